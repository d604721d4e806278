#include "outputs/sql/output.h"
#include "outputs/sql/exactly_once.h"
#include "outputs/sql/sqlite/database.h"

namespace tidemill::outputs {
namespace {

SqlTable tableOf(const SqliteOutputOptions& options, const std::vector<SqlColumn>& columns) {
    return {options.table,  options.mode,          options.key, options.create,
            options.shared, options.progressTable, columns};
}

}  // namespace

core::Result<> checkSqlite(const SqliteOutputOptions& options,
                           const std::vector<SqlColumn>& columns) {
    if (options.path.empty() || options.path.find('\0') != std::string::npos ||
        options.path == ":memory:" || options.path.starts_with("file:"))
        return core::fail(core::ErrorKind::kInvalid,
                          "\"" + options.path + "\" is no path of a SQLite database's file");
    return tableOf(options, columns).check();
}

void addSqliteOutput(core::Graph& graph, const SqliteOutputOptions& options, SqlRows rows) {
    auto table = tableOf(options, rows.columns);
    auto database = std::make_unique<SqliteDatabase>(options.path, options.maxBytes, table);
    graph.addOutput(
        std::make_unique<SqlOutput>(std::move(database), std::move(table), std::move(rows)));
}

}  // namespace tidemill::outputs
