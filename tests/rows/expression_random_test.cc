// The front ends of expressions and SQL with texts nobody would write: they are refused or
// evaluated, never more; and evaluating allocates nothing per row.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <new>
#include <random>

#include "rows/sql/plan.h"
#include "tests/rows/expression_rig.h"
#include "tests/rows/random_expression.h"

namespace tidemill::rows::test {
namespace {

Table manyRows() {
    std::vector<Cells> rows;
    std::mt19937_64 random(7);
    for (std::size_t r = 0; r < 1000; ++r) {
        const auto number = static_cast<std::int64_t>(random() % 1000);
        rows.push_back({number, number - 3, static_cast<double>(number) / 8, 2.5,
                        "path/" + std::to_string(number), "Some Text é", std::to_string(number),
                        number % 2 == 0, true, number * 1'000'000, number * 3'600'000'000,
                        std::string(R"({"a": [1, "b"]})")});
        if (r % 5 == 0) rows.back()[r % 12] = Cell();
    }
    return Table(columnsOfEveryType(), std::move(rows));
}

TEST(ExpressionFrontEnd, TakesMutilatedTexts) {
    const Table table = manyRows();
    const std::map<std::string, Schema> streams = {{"r", table.schema()}, {"q", table.schema()}};
    constexpr const char* kPieces[] = {
        "(",        ")",          "'",     "\"",         ",",           ".",
        "::int",    "::interval", " is ",  " not ",      " and ",       "case when ",
        " then ",   " end",       " in (", "null",       "1e999",       "-",
        "$1",       "--",         "/*",    ";",          "\\",          "\xff",
        "é",        "%",          "E'\\x", "interval '", " over ()",    "select ",
        " from r",  " group by ", "*",     "[1]",        " between ",   "tumble('1 s')",
        " limit 1", "0x",         "1.5.2", "U&'\\0041'", "date_trunc(", "'{a'",
        "->>",      "^"};
    std::mt19937_64 random(20240229);
    RandomExpression expressions(1);
    std::size_t good = 0, refused = 0;
    for (int turn = 0; turn < 3000; ++turn) {
        std::string text = expressions.of(static_cast<Type>(turn % kTypes), turn % 4).mine;
        expressions.takeVariables();
        for (std::size_t changes = random() % 3; changes > 0; --changes) {
            const std::size_t at = random() % (text.size() + 1);
            switch (random() % 4) {
                case 0: text.insert(at, kPieces[random() % std::size(kPieces)]); break;
                case 1: text.erase(at, random() % 8); break;
                case 2:
                    if (at < text.size()) text[at] = static_cast<char>(random());
                    break;
                default: text = text.substr(0, at) + text.substr(random() % (text.size() + 1));
            }
            if (text.size() > 2000) text.resize(2000);
        }
        if (turn % 3 == 0) {
            const std::string query =
                "select " + text + " as e, count(*) as n from r join q on r.i = q.j group by 1, " +
                text;
            const auto made = sql::plan(query, streams);
            (made ? good : refused) += 1;
            if (made) {
                EXPECT_FALSE(made->text().empty());
            } else {
                EXPECT_FALSE(made.error().message.empty()) << text;
            }
            continue;
        }
        const auto expression = parseExpression(text, table.schema());
        if (!expression) {
            EXPECT_FALSE(expression.error().message.empty()) << text;
            ++refused;
            continue;
        }
        EXPECT_EQ(results(*(*expression)->makeEvaluator(), table.chunk()).size(), table.size());
        ++good;
    }
    EXPECT_GT(good, 300u);
    EXPECT_GT(refused, 300u);
}

// Counted below.
std::size_t allocations = 0;

}  // namespace
}  // namespace tidemill::rows::test

void* operator new(std::size_t size) {
    ++tidemill::rows::test::allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace tidemill::rows::test {
namespace {

TEST(ExpressionEvaluation, AllocatesNothingPerRow) {
    const Table table = manyRows();
    constexpr const char* kExpressions[] = {"i + j * 2 > 5 and s like 'path/1%'",
                                            "case when b then s else upper(t) end",
                                            "s || '-' || i",
                                            "coalesce(u, '?')",
                                            "x / 3 + ln(y)",
                                            "s ~ 'path/[0-9]*1'",
                                            "t ilike '%TEXT%'",
                                            "regexp_replace(s, '[0-9]', '#', 'g')",
                                            "regexp_match(s, '([0-9]+)')",
                                            "u::int % 7",
                                            "to_char(w, 'YYYY-MM-DD')",
                                            "date_trunc('month', v)",
                                            "extract(epoch from v - w)",
                                            "d -> 'a' ->> 1",
                                            "md5(s)",
                                            "split_part(s, '/', 2) in ('1', '2', '3')",
                                            "lpad(s, 20, '*')",
                                            "concat_ws(',', s, t, i)",
                                            "greatest(i, j, 3)",
                                            "i between 3 and 500 or c",
                                            "round(x, 1)",
                                            "i::text",
                                            "w::text",
                                            "replace(s, 'path', 'x')",
                                            "reverse(t)",
                                            "substr(t, 3, 4)"};
    for (const char* sql : kExpressions) {
        const auto expression = parseExpression(sql, table.schema());
        ASSERT_TRUE(expression) << sql << ": " << expression.error().message;
        const auto evaluator = (*expression)->makeEvaluator();
        core::Arena arena;
        RowFailures failures;
        for (int warm = 0; warm < 2; ++warm) {
            evaluator->evaluate(table.chunk(), arena, failures);
            arena.reset();
        }
        EXPECT_TRUE(failures.empty()) << sql << ": " << failures.all()[0].second;
        const std::size_t before = allocations;
        evaluator->evaluate(table.chunk(), arena, failures);
        // The arena's memory, and what a regular expression may still find out.
        EXPECT_LE(allocations - before, 20u) << sql;
    }
}

}  // namespace
}  // namespace tidemill::rows::test
