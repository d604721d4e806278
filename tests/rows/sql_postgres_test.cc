// Queries of sql steps against PostgreSQL 15 itself: random ones over random rows give the same
// rows (random_query.h says what is written differently).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <map>
#include <random>
#include <sstream>

#include "rows/query.h"
#include "tests/rows/random_query.h"
#include "tests/rows/row_rig.h"
#include "tests/rows/table_rows.h"
#include "tests/support/private_postgres.h"

namespace tidemill::rows::test {
namespace {

using tidemill::test::Life;
using tidemill::test::PrivatePostgres;
using Lines = std::vector<std::string>;

constexpr std::size_t kQueries = 300;

// The rows of one stream, drawn once for all queries.
Table randomRows(std::mt19937_64& random, std::vector<ColumnSpec> columns, std::size_t count) {
    const auto below = [&](std::size_t n) { return static_cast<std::int64_t>(random() % n); };
    constexpr const char* kTexts[] = {"a", "b", "A", "ab", "", "\xC3\xBC", "ba", "B"};
    std::vector<Cells> rows;
    for (std::size_t r = 0; r < count; ++r) {
        Cells row;
        for (const auto& column : columns) {
            if (below(7) == 0) {
                row.emplace_back();
                continue;
            }
            switch (column.type) {
                case Type::kInt: row.emplace_back(below(10) - 2); break;
                case Type::kFloat:
                    if (below(12) == 0) row.emplace_back(std::nan(""));
                    else if (below(12) == 0) row.emplace_back(-0.0);
                    else row.emplace_back(static_cast<double>(below(24) - 8) / 2);
                    break;
                case Type::kBool: row.emplace_back(below(2) == 0); break;
                default: row.emplace_back(std::string(kTexts[below(std::size(kTexts))]));
            }
        }
        rows.push_back(std::move(row));
    }
    return Table(schemaOf(std::move(columns)), std::move(rows));
}

std::string literal(const Cell& cell) {
    if (std::holds_alternative<std::monostate>(cell)) return "null";
    if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
    if (const auto* truth = std::get_if<bool>(&cell)) return *truth ? "true" : "false";
    if (const auto* real = std::get_if<double>(&cell)) {
        char text[40];
        std::snprintf(text, sizeof text, "'%.17g'::float8", *real);
        return text;
    }
    return "'" + std::get<std::string>(cell) + "'";
}

std::string tableOf(const std::string& name, const Table& table, const std::vector<Cells>& rows) {
    constexpr const char* kTypes[] = {"int8", "float8", "bool", "text"};
    std::string text = "create temp table " + name + " (";
    for (std::size_t i = 0; i < table.schema().size(); ++i)
        text += (i == 0 ? "" : ", ") + table.schema()[i].name + " " +
                kTypes[static_cast<std::size_t>(table.schema()[i].type)];
    text += ");\n";
    for (const auto& row : rows) {
        text += "insert into " + name + " values (";
        for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ", ") + literal(row[i]);
        text += ");\n";
    }
    return text;
}

// Floats to ten digits: what was added in another order agrees to that.
std::string shortFloat(double value) {
    if (std::isnan(value)) return "NaN";
    char text[40];
    std::snprintf(text, sizeof text, "%.10g", std::fabs(value) < 1e-12 ? 0.0 : value);
    return text;
}

std::string mine(const Chunk& chunk, std::size_t row) {
    std::string text;
    for (const auto& column : chunk.columns) {
        if (!text.empty()) text += ',';
        if (column.isNull(row)) text += "null";
        else if (column.type == Type::kFloat)
            text += "=" + shortFloat(column.as<Type::kFloat>()[row]);
        else {
            text += '=';
            appendText(text, column, row);
        }
    }
    return text;
}

// "=6162,null" in the same spelling.
std::string theirs(const std::string& line, const std::vector<Type>& types) {
    std::istringstream in(line);
    std::string text;
    std::size_t place = 0;
    for (std::string cell; std::getline(in, cell, ','); ++place) {
        if (place != 0) text += ',';
        if (cell == "null") {
            text += cell;
            continue;
        }
        std::string value;
        for (std::size_t i = 1; i + 1 < cell.size(); i += 2)
            value += static_cast<char>(std::stoi(cell.substr(i, 2), nullptr, 16));
        text +=
            "=" + (types[place] == Type::kFloat ? shortFloat(std::strtod(value.c_str(), nullptr))
                                                : value);
    }
    return text;
}

TEST(QueriesAgainstPostgres, GiveTheSameRows) {
    if (!PrivatePostgres::isInstalled()) GTEST_SKIP() << "the package postgresql-15 is not here";
    std::uint64_t seed = 20240301;
    if (const char* wanted = std::getenv("TIDEMILL_SEED"))
        seed = std::strtoull(wanted, nullptr, 10);
    SCOPED_TRACE("TIDEMILL_SEED=" + std::to_string(seed));
    std::string why;
    const auto postgres = PrivatePostgres::start(why);
    ASSERT_NE(postgres, nullptr) << why;

    std::mt19937_64 random(seed);
    const Table r = randomRows(random,
                               {{"i", Type::kInt},
                                {"j", Type::kInt},
                                {"x", Type::kFloat},
                                {"s", Type::kText},
                                {"t", Type::kText},
                                {"b", Type::kBool}},
                               60);
    const Table q = randomRows(
        random, {{"i", Type::kInt}, {"k", Type::kInt}, {"y", Type::kFloat}, {"s", Type::kText}},
        25);
    RandomQuery queries(seed + 1);
    std::vector<BothQueries> drawn;
    std::string script = tableOf("r", r, r.rows()) + tableOf("q", q, q.rows());
    for (std::size_t n = 0; n < kQueries; ++n) {
        drawn.push_back(queries.next());
        script += drawn.back().theirs + ";\nselect 'end of query';\n";
    }
    std::istringstream answers(postgres->run(script, why));
    ASSERT_EQ(why, "");

    // All queries in one job, over one batch.
    std::map<std::size_t, std::map<std::uint64_t, Lines>> seen;
    StreamingOptions options = tidemill::test::inMemory();
    Life life(options);
    const std::map<std::string, RowStream> streams{{"r", rowsOfTable(life.context(), r)},
                                                   {"q", rowsOfTable(life.context(), q)}};
    std::map<std::string, Schema> schemas;
    for (const auto& [name, stream] : streams) schemas.emplace(name, stream.schema);
    for (std::size_t n = 0; n < kQueries; ++n) {
        const auto plan = sql::plan(drawn[n].mine, schemas);
        ASSERT_TRUE(plan) << drawn[n].mine << "\n" << plan.error().message;
        const auto rows = runPlan(*plan, streams, "q" + std::to_string(n));
        ASSERT_TRUE(rows) << drawn[n].mine << "\n" << rows.error().message;
        life.collect(textsOf(*rows, mine), seen[n]);
    }
    life.start();
    life.run(1);
    life.context().stop();

    std::map<std::string, int> kinds;
    std::size_t compared = 0;
    for (std::size_t n = 0; n < kQueries; ++n) {
        Lines expected;
        for (std::string line; std::getline(answers, line) && line != "end of query";)
            expected.push_back(theirs(line, drawn[n].types));
        std::sort(expected.begin(), expected.end());
        ++kinds[drawn[n].kind];
        compared += expected.size();
        // One group of no rows: a batch without rows has no groups.
        EXPECT_EQ(seen[n][1], expected)
            << drawn[n].mine << "\n  as:         " << drawn[n].theirs << "\n";
        if (::testing::Test::HasFailure()) break;
    }
    for (const auto& [kind, times] : kinds) std::cout << "  " << times << "\t" << kind << "\n";
    EXPECT_GT(compared, kQueries * 4);
}

}  // namespace
}  // namespace tidemill::rows::test
