// Tables of values for tests of expressions, and results as texts.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/arena.h"
#include "rows/chunk.h"
#include "rows/expression.h"
#include "rows/write_value.h"

namespace tidemill::rows::test {

// Null, or a value of a column's type; times are microseconds.
using Cell = std::variant<std::monostate, std::int64_t, double, bool, std::string>;
using Cells = std::vector<Cell>;

inline Schema schemaOf(std::vector<ColumnSpec> columns) { return *Schema::of(std::move(columns)); }

// Columns of every type, by the names that random expressions and queries have for them.
inline Schema columnsOfEveryType() {
    return schemaOf({{"i", Type::kInt},
                     {"j", Type::kInt},
                     {"x", Type::kFloat},
                     {"y", Type::kFloat},
                     {"s", Type::kText},
                     {"t", Type::kText},
                     {"u", Type::kText},
                     {"b", Type::kBool},
                     {"c", Type::kBool},
                     {"w", Type::kTime},
                     {"v", Type::kTime},
                     {"d", Type::kJson}});
}

// Rows as one chunk. Texts live as long as the table.
class Table {
public:
    Table(Schema schema, std::vector<Cells> rows)
        : schema_(std::move(schema)), rows_(std::move(rows)) {
        for (std::size_t c = 0; c < schema_.size(); ++c) {
            buffers_.emplace_back(schema_[c].type);
            for (std::size_t r = 0; r < rows_.size(); ++r) put(buffers_.back(), r, rows_[r][c]);
        }
        for (const auto& buffer : buffers_) columns_.push_back(buffer.column());
    }

    const Schema& schema() const { return schema_; }
    std::size_t size() const { return rows_.size(); }
    Chunk chunk() const {
        Chunk chunk;
        chunk.rows = rows_.size();
        chunk.columns = columns_;
        chunk.selectedCount = rows_.size();
        return chunk;
    }

    const std::vector<Cells>& rows() const { return rows_; }

    static void put(ColumnBuffer& buffer, std::size_t row, const Cell& cell) {
        if (isTextual(buffer.type())) buffer.as<Type::kText>()[row] = {};
        if (std::holds_alternative<std::monostate>(cell)) return buffer.setNull(row);
        switch (buffer.type()) {
            case Type::kInt:
            case Type::kTime: buffer.as<Type::kInt>()[row] = std::get<std::int64_t>(cell); break;
            case Type::kFloat: buffer.as<Type::kFloat>()[row] = std::get<double>(cell); break;
            case Type::kBool: buffer.as<Type::kBool>()[row] = std::get<bool>(cell); break;
            case Type::kText:
            case Type::kJson: buffer.as<Type::kText>()[row] = std::get<std::string>(cell);
        }
    }

private:
    Schema schema_;
    std::vector<Cells> rows_;
    std::vector<ColumnBuffer> buffers_;
    std::vector<Column> columns_;
};

// What each selected row gives: "null", the value as text, or "error: …".
inline std::vector<std::string> results(Evaluator& evaluator, const Chunk& chunk) {
    core::Arena arena;
    RowFailures failures;
    const Column column = evaluator.evaluate(chunk, arena, failures);
    std::vector<std::string> out;
    forEachRow(chunk, [&](std::size_t row) {
        std::string text;
        if (failures.failed(row)) {
            for (const auto& [failed, message] : failures.all())
                if (failed == row) text = "error: " + message;
        } else {
            appendText(text, column, row, "null");
        }
        out.push_back(std::move(text));
    });
    return out;
}

inline std::vector<std::string> evaluated(const Table& table, std::string_view sql) {
    const auto expression = parseExpression(sql, table.schema());
    if (!expression) return {"refused: " + expression.error().message};
    return results(*(*expression)->makeEvaluator(), table.chunk());
}

// Of a table without columns and one row.
inline std::string valueOf(std::string_view sql) {
    return evaluated(Table(Schema(), {Cells{}}), sql)[0];
}

}  // namespace tidemill::rows::test
