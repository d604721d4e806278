#include "outputs/sql/output.h"
#include "rows/outputs.h"
#include "rows/outputs/scan_rows.h"

namespace tidemill::rows {
namespace {

using core::Result;
using outputs::SqlCell;
using outputs::SqlColumn;
using outputs::SqlRow;
using outputs::SqlRows;
using outputs::SqlType;

SqlType typeOf(Type type) {
    switch (type) {
        case Type::kInt: return SqlType::kInt;
        case Type::kFloat: return SqlType::kFloat;
        case Type::kBool: return SqlType::kBool;
        case Type::kText: return SqlType::kText;
        case Type::kTime: return SqlType::kTime;
        case Type::kJson: return SqlType::kJson;
    }
    return SqlType::kText;
}

std::vector<SqlColumn> columnsOf(const Schema& schema) {
    std::vector<SqlColumn> columns;
    for (const auto& column : schema.columns())
        columns.push_back({column.name, typeOf(column.type)});
    return columns;
}

void fill(std::vector<SqlCell>& cells, const Chunk& chunk, std::size_t row) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto& column = chunk.columns[i];
        auto& cell = cells[i];
        cell.isNull = column.isNull(row);
        if (cell.isNull) continue;
        switch (column.type) {
            case Type::kInt:
            case Type::kTime: cell.integer = column.as<Type::kInt>()[row]; break;
            case Type::kFloat: cell.real = column.as<Type::kFloat>()[row]; break;
            case Type::kBool: cell.integer = column.as<Type::kBool>()[row]; break;
            case Type::kText:
            case Type::kJson: cell.text = column.as<Type::kText>()[row]; break;
        }
    }
}

SqlRows rowsOf(const RowStream& stream) {
    stream.node->require();
    SqlRows rows;
    rows.columns = columnsOf(stream.schema);
    rows.isActive = [node = stream.node](const core::BatchRun& run) {
        return run.isActive(node->slide());
    };
    rows.scan = [node = stream.node, count = stream.schema.size()](
                    core::BatchRun& run, const std::function<void(SqlRow)>& send) {
        std::vector<SqlCell> cells(count);
        scanRows(*node, run, kAllRows, [&](const Chunk& chunk, std::size_t row) {
            fill(cells, chunk, row);
            send(cells);
        });
    };
    return rows;
}

}  // namespace

Result<> sendToPostgres(const RowStream& stream, const PostgresOutputOptions& options) {
    TM_TRY(outputs::checkPostgres(options, columnsOf(stream.schema)));
    outputs::addPostgresOutput(stream.job->graph, options, rowsOf(stream));
    return {};
}

Result<> sendToSqlite(const RowStream& stream, const SqliteOutputOptions& options) {
    TM_TRY(outputs::checkSqlite(options, columnsOf(stream.schema)));
    outputs::addSqliteOutput(stream.job->graph, options, rowsOf(stream));
    return {};
}

}  // namespace tidemill::rows
