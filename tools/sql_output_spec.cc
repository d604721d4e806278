#include "tools/sql_output_spec.h"

#include "outputs/sql/output.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

// What all databases have.
template <class Options>
void readTable(TomlTable& table, Options& options) {
    options.table = table.requiredText("table");
    if (table.has("mode"))
        if (const auto mode = table.choice("mode", {"append", "upsert", "replace"}))
            options.mode = static_cast<SqlMode>(*mode);
    options.key = table.texts("key");
    options.create = table.boolean("create", false);
    options.shared = table.boolean("shared", false);
    options.progressTable = table.text("progress_table", options.progressTable);
}

}  // namespace

PostgresOutputOptions readPostgresOutput(TomlTable& table, JobFileErrors& errors) {
    PostgresOutputOptions options;
    options.connection = table.requiredText("connection");
    readTable(table, options);
    if (const auto checked = outputs::checkPostgresConnection(options.connection); !checked)
        errors.add(table.at("connection"), checked.error().message);
    return options;
}

SqliteOutputOptions readSqliteOutput(TomlTable& table) {
    SqliteOutputOptions options;
    options.path = table.requiredText("path");
    options.maxBytes = table.size("max_size", 0, 64 << 10);
    readTable(table, options);
    return options;
}

}  // namespace tidemill::tools
