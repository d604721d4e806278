#include "outputs/sql/output.h"
#include "outputs/sql/exactly_once.h"
#include "outputs/sql/postgres/database.h"

namespace tidemill::outputs {
namespace {

SqlTable tableOf(const PostgresOutputOptions& options, const std::vector<SqlColumn>& columns) {
    return {options.table,  options.mode,          options.key, options.create,
            options.shared, options.progressTable, columns};
}

}  // namespace

core::Result<> checkPostgresConnection(const std::string& connection) {
    return checkPgConnection(connection);
}

core::Result<> checkPostgres(const PostgresOutputOptions& options,
                             const std::vector<SqlColumn>& columns) {
    TM_TRY(checkPgConnection(options.connection));
    return tableOf(options, columns).check();
}

void addPostgresOutput(core::Graph& graph, const PostgresOutputOptions& options, SqlRows rows) {
    auto table = tableOf(options, rows.columns);
    auto database = std::make_unique<PgDatabase>(options.connection, table);
    graph.addOutput(
        std::make_unique<SqlOutput>(std::move(database), std::move(table), std::move(rows)));
}

}  // namespace tidemill::outputs
