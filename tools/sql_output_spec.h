// The keys of an [[output]] with to = "postgres" or "sqlite".
#pragma once

#include "outputs/sql/options.h"

namespace tidemill::tools {

class JobFileErrors;
class TomlTable;

PostgresOutputOptions readPostgresOutput(TomlTable& table, JobFileErrors& errors);
SqliteOutputOptions readSqliteOutput(TomlTable& table);

}  // namespace tidemill::tools
