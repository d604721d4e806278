// Any bytes as an expression or a query: refused with a message, or computed over rows that hold
// what is at the edges of each type.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>

#include "rows/parse_value.h"
#include "rows/sql/plan.h"
#include "tests/rows/expression_rig.h"

namespace tidemill::rows::test {

inline const Table& edgesOfTypes() {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    static const Table kTable(
        columnsOfEveryType(),
        {
            {std::int64_t{0}, kMost, 0.5, -kInfinity, "", "a/b", "17", true, false, std::int64_t{0},
             kMost, R"({"a": [1, {"b": null}]})"},
            {kLeast, std::int64_t{-1}, std::numeric_limits<double>::quiet_NaN(), 1e308, "\xff\xfe",
             std::string("\0", 1), "-9223372036854775808", false, true, kLeast,
             std::int64_t{1'718'409'600'000'000}, "[]"},
            {{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}},
        });
    return kTable;
}

// What became of the bytes, for tests that want some of each.
enum class SqlOutcome { kRefused, kExpression, kQuery };

// `bytes`: the first one says what the others are, odd (such as 'e'): an expression. Calls
// wrong(what) for a value that is none of its type, or a refusal that does not say why.
template <class Wrong>
SqlOutcome trySql(std::string_view bytes, Wrong wrong) {
    if (bytes.empty()) return SqlOutcome::kRefused;
    const bool isExpression = static_cast<unsigned char>(bytes[0]) % 2 != 0;
    bytes.remove_prefix(1);
    const Table& table = edgesOfTypes();
    if (!isExpression) {
        static const std::map<std::string, Schema> kStreams{{"r", edgesOfTypes().schema()},
                                                            {"q", edgesOfTypes().schema()}};
        const auto planned = sql::plan(bytes, kStreams);
        if (planned && planned->text().empty()) wrong("a plan without steps");
        if (!planned && planned.error().message.empty()) wrong("a refusal without a reason");
        return planned ? SqlOutcome::kQuery : SqlOutcome::kRefused;
    }
    const auto expression = parseExpression(bytes, table.schema());
    if (!expression) {
        if (expression.error().message.empty()) wrong("a refusal without a reason");
        return SqlOutcome::kRefused;
    }
    const auto evaluator = (*expression)->makeEvaluator();
    for (int again = 0; again < 2; ++again) {
        core::Arena arena;
        RowFailures failures;
        const Chunk chunk = table.chunk();
        const Column column = evaluator->evaluate(chunk, arena, failures);
        if (column.type != (*expression)->type()) wrong("a column of another type");
        for (std::size_t row = 0; row < chunk.rows; ++row) {
            if (failures.failed(row)) continue;
            std::string json;
            appendJson(json, column, row);
            if (!isJson(json)) wrong("no JSON: " + json);
        }
    }
    return SqlOutcome::kExpression;
}

}  // namespace tidemill::rows::test
