// A SQLite table: found or made, and compared with the rows that are to go there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "outputs/sql/sqlite/connection.h"

namespace tidemill::outputs {

// How a value is stored.
enum class SqliteForm : std::uint8_t {
    kInteger,
    kReal,
    kText,
    kTimeText,  // "2024-03-01T12:00:00.000000Z"
};

struct SqliteColumn {
    SqliteForm form = SqliteForm::kText;
    bool isRequired = false;  // not null
};

struct SqliteTable {
    std::string name;  // as the database has it
    std::vector<SqliteColumn> columns;
};

// Errors: the table is missing, or is not what the rows need; the message has the columns and types
// of both.
SqlResult<SqliteTable> openSqliteTable(SqliteConnection& connection, const SqlTable& wanted,
                                       const std::string& place);

// Why the table would not take the row; empty: nothing is known against it.
std::string refusalOf(const std::vector<SqlColumn>& names, const std::vector<SqliteColumn>& columns,
                      SqlRow row);

// "2024-03-01T12:00:00.000000Z", which orders as the times do and is what SQLite's functions read.
// `micros` is in the years 0 … 9999.
std::string sqliteTime(std::int64_t micros);

}  // namespace tidemill::outputs
