// Expressions against PostgreSQL 15 itself: random ones over random values give the same results,
// or both an error. docs/expressions.md lists what differs on purpose; such expressions are written
// differently for PostgreSQL, or not made (see random_expression.h).
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <sstream>

#include "rows/calendar.h"
#include "tests/rows/expression_rig.h"
#include "tests/rows/random_expression.h"
#include "tests/support/private_postgres.h"

namespace tidemill::rows::test {
namespace {

using tidemill::test::PrivatePostgres;

constexpr std::size_t kExpressions = 900;
constexpr std::size_t kRows = 40;

std::string sqlText(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
}

std::string floatText(double value) {
    char bytes[kValueTextMax];
    return std::string(bytes, static_cast<std::size_t>(writeFloat(bytes, value) - bytes));
}

// A value as PostgreSQL reads it.
std::string literal(const Cell& cell, Type type) {
    if (std::holds_alternative<std::monostate>(cell)) return "null";
    switch (type) {
        case Type::kInt: return sqlText(std::to_string(std::get<std::int64_t>(cell))) + "::int8";
        case Type::kTime:
            return "timestamptz '1970-01-01 00:00:00+00' + interval '" +
                   std::to_string(std::get<std::int64_t>(cell) / kMicrosPerDay) + " days " +
                   std::to_string(std::get<std::int64_t>(cell) % kMicrosPerDay) + " microseconds'";
        case Type::kFloat: return sqlText(floatText(std::get<double>(cell))) + "::float8";
        case Type::kBool: return std::get<bool>(cell) ? "true" : "false";
        case Type::kText:
        case Type::kJson: break;
    }
    return sqlText(std::get<std::string>(cell));
}

class RandomRows {
public:
    explicit RandomRows(std::uint64_t seed) : random_(seed) {}

    static Schema schema() { return columnsOfEveryType(); }
    std::vector<Cells> rows() {
        const Schema columns = schema();
        std::vector<Cells> rows;
        for (std::size_t r = 0; r < kRows; ++r) {
            Cells cells;
            for (const auto& column : columns.columns()) cells.push_back(cell(column));
            rows.push_back(std::move(cells));
        }
        return rows;
    }

private:
    std::size_t below(std::size_t count) { return random_() % count; }

    Cell cell(const ColumnSpec& column) {
        if (below(7) == 0) return Cell();
        switch (column.type) {
            case Type::kInt: return number();
            case Type::kFloat: return real();
            case Type::kBool: return below(2) == 0;
            case Type::kTime: return time();
            case Type::kJson: return json();
            case Type::kText: break;
        }
        if (column.name == "u" && below(5) != 0)
            return below(2) == 0 ? std::to_string(number()) : floatText(real());
        return text();
    }
    std::int64_t number() {
        constexpr std::int64_t kEdges[] = {0,
                                           1,
                                           -1,
                                           std::numeric_limits<std::int64_t>::max(),
                                           std::numeric_limits<std::int64_t>::min(),
                                           9007199254740993,
                                           2147483648};
        switch (below(4)) {
            case 0: return kEdges[below(std::size(kEdges))];
            case 1: return static_cast<std::int64_t>(random_());
            default: return static_cast<std::int64_t>(below(200)) - 50;
        }
    }
    double real() {
        constexpr double kEdges[] = {0.0,
                                     -0.0,
                                     1.0,
                                     std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity(),
                                     std::numeric_limits<double>::quiet_NaN(),
                                     1e308,
                                     5e-324,
                                     0.5,
                                     2.5,
                                     -3.5};
        switch (below(4)) {
            case 0: return kEdges[below(std::size(kEdges))];
            case 1:
                return std::ldexp(static_cast<double>(random_()), static_cast<int>(below(80)) - 90);
            default: return (static_cast<double>(below(4000)) - 1000) / 8;
        }
    }
    std::int64_t time() {
        switch (below(3)) {
            case 0:  // a day between the years 1 and 9999
                return static_cast<std::int64_t>(below(3'600'000)) * kMicrosPerDay -
                       700'000 * kMicrosPerDay;
            case 1:
                return static_cast<std::int64_t>(random_() % 4'000'000'000'000'000) -
                       1'000'000'000'000'000;
            default:
                return static_cast<std::int64_t>(below(1000)) * 3'600'000'000 +
                       1'700'000'000'000'000;
        }
    }
    std::string text() {
        constexpr const char* kPieces[] = {"a",  "b", "A", "B", "é",  "É",  "日", "x",
                                           " ",  "-", "_", "%", "1",  "23", "'",  "\"",
                                           "\\", "ß", "Ω", "😀", "ab", "\n", "."};
        std::string out;
        for (std::size_t left = below(7); left > 0; --left)
            out += kPieces[below(std::size(kPieces))];
        return out;
    }
    std::string json() {
        constexpr const char* kValues[] = {R"({"a": [1, {"b": "x\u00e9\n"}], "c": null})",
                                           R"([1, "two", null, [3]])",
                                           R"("text")",
                                           R"({"a": 1, "a": 2, "c": {"a": true}})",
                                           "null",
                                           R"( { } )",
                                           "[]",
                                           "12.50",
                                           R"({"a": "\ud83d\ude00", "c": [ 1 , 2 ]})",
                                           "true"};
        return kValues[below(std::size(kValues))];
    }

    std::mt19937_64 random_;
};

const char* typeName(Type type) {
    switch (type) {
        case Type::kInt: return "int8";
        case Type::kFloat: return "float8";
        case Type::kBool: return "bool";
        case Type::kText: return "text";
        case Type::kTime: return "timestamptz";
        case Type::kJson: break;
    }
    return "json";
}

// What both sides make of a result, in one spelling: "null", "error", or the value.
std::string spelling(const BothTexts& expression, Type type) {
    if (type == Type::kTime)
        return "(extract(epoch from " + expression.theirs + ") * 1000000)::int8::text";
    return "(" + expression.theirs + ")::" + typeName(type) + "::text";
}

std::string unhex(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    return out;
}

std::vector<std::string> mine(const Table& table, const std::string& sql, Type type) {
    std::vector<std::string> out;
    const auto expression = parseExpression(sql, table.schema());
    if (!expression) return {"refused: " + expression.error().message};
    if ((*expression)->type() != type)
        return {std::string("of type ") + toString((*expression)->type())};
    core::Arena arena;
    RowFailures failures;
    const auto evaluator = (*expression)->makeEvaluator();
    const Column column = evaluator->evaluate(table.chunk(), arena, failures);
    for (std::size_t row = 0; row < table.size(); ++row) {
        std::string text;
        if (failures.failed(row)) text = "error";
        else if (column.isNull(row)) text = "null";
        else if (type == Type::kTime) text = "=" + std::to_string(column.as<Type::kTime>()[row]);
        else {
            appendText(text, column, row);
            text = "=" + text;
        }
        out.push_back(std::move(text));
    }
    return out;
}

// Floats may differ in their last digits: the C library's functions are not PostgreSQL's business.
bool isSame(const std::string& a, const std::string& b, Type type) {
    if (a == b) return true;
    if (type != Type::kFloat || a[0] != '=' || b[0] != '=') return false;
    const double left = std::strtod(a.c_str() + 1, nullptr),
                 right = std::strtod(b.c_str() + 1, nullptr);
    return std::fabs(left - right) <= 1e-13 * std::max(std::fabs(left), std::fabs(right));
}

TEST(ExpressionsAgainstPostgres, GiveTheSameResults) {
    if (!PrivatePostgres::isInstalled()) GTEST_SKIP() << "the package postgresql-15 is not here";
    std::uint64_t seed = 20240229;
    if (const char* wanted = std::getenv("TIDEMILL_SEED"))
        seed = std::strtoull(wanted, nullptr, 10);
    SCOPED_TRACE("TIDEMILL_SEED=" + std::to_string(seed));

    std::string why;
    const auto postgres = PrivatePostgres::start(why);
    ASSERT_NE(postgres, nullptr) << why;

    const std::vector<Cells> rows = RandomRows(seed).rows();
    const Table table(RandomRows::schema(), rows);
    RandomExpression random(seed + 1);
    constexpr Type kTypes[] = {Type::kInt,  Type::kFloat, Type::kBool, Type::kText, Type::kBool,
                               Type::kTime, Type::kText,  Type::kJson, Type::kInt};

    std::string columns, names;
    for (const auto& column : table.schema().columns()) {
        columns += (columns.empty() ? "" : ", ") + column.name + " " + typeName(column.type);
        names += (names.empty() ? "" : ", ") + column.name;
    }
    std::string script =
        "set plan_cache_mode = force_generic_plan;\n"
        "set client_min_messages = error;\n"
        "set standard_conforming_strings = on;\n"
        "create temp table r (id int, " +
        columns + ");\n";
    for (std::size_t r = 0; r < rows.size(); ++r) {
        script += "insert into r values (" + std::to_string(r);
        for (std::size_t c = 0; c < rows[r].size(); ++c)
            script += ", " + literal(rows[r][c], table.schema()[c].type);
        script += ");\n";
    }
    std::vector<BothTexts> expressions;
    std::vector<Type> types;
    for (std::size_t e = 0; e < kExpressions; ++e) {
        const Type type = kTypes[e % std::size(kTypes)];
        expressions.push_back(random.of(type, 1 + static_cast<int>(e % 4)));
        types.push_back(type);
        script += "create function pg_temp.f(" + columns +
                  ") returns text language plpgsql as $body$ "
                  "declare " +
                  random.takeVariables() + "begin return coalesce('=' || " +
                  spelling(expressions.back(), type) +
                  ", 'null'); exception when others then return 'error'; end $body$;\n"
                  "select encode(convert_to(pg_temp.f(" +
                  names +
                  "), 'UTF8'), 'hex') from r order by "
                  "id;\ndrop function pg_temp.f;\n";
    }
    std::istringstream theirs(postgres->run(script, why));
    ASSERT_EQ(why, "");

    std::size_t compared = 0, values = 0, errors = 0, wrong = 0;
    for (std::size_t e = 0; e < kExpressions; ++e) {
        bool isVisible = false;  // one row of each expression
        const auto ours = mine(table, expressions[e].mine, types[e]);
        for (std::size_t r = 0; r < kRows; ++r) {
            std::string line;
            ASSERT_TRUE(std::getline(theirs, line)) << "expression " << e;
            const std::string expected = unhex(line);
            const std::string& got = ours.size() == kRows ? ours[r] : ours[0];
            ++compared;
            values += expected[0] == '=';
            errors += expected == "error";
            if (isSame(got, expected, types[e])) continue;
            if (++wrong > 500 || isVisible) continue;
            isVisible = true;
            std::string row;
            for (std::size_t c = 0; c < table.schema().size(); ++c)
                row += table.schema()[c].name + "=" + literal(rows[r][c], table.schema()[c].type) +
                       " ";
            ADD_FAILURE() << expressions[e].mine << "\n  here:       " << got
                          << "\n  PostgreSQL: " << expected
                          << "\n  as:         " << expressions[e].theirs
                          << "\n  of:         " << row;
        }
    }
    EXPECT_EQ(wrong, 0u) << "of " << compared;
    // Most results are values, or little is compared.
    EXPECT_GT(values, compared / 3);
    EXPECT_GT(errors, 100u);
    RecordProperty("compared", static_cast<int>(compared));
}

}  // namespace
}  // namespace tidemill::rows::test
