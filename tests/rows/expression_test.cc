// Expressions: what they give, row by row; what is refused, with its place.
#include <gmock/gmock.h>

#include <limits>

#include "tests/rows/expression_rig.h"

namespace tidemill::rows::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

const Table& requests() {
    static const Table kTable(
        schemaOf({{"path", Type::kText},
                  {"status", Type::kInt},
                  {"bytes", Type::kInt},
                  {"seconds", Type::kFloat},
                  {"when", Type::kTime},
                  {"userId", Type::kText},
                  {"data", Type::kJson},
                  {"ok", Type::kBool}}),
        {{"/health", std::int64_t{200}, std::int64_t{10}, 0.5, std::int64_t{1709210096123456}, "u1",
          R"({"a": [1, "x\n"], "b": null})", true},
         {"/a/b", std::int64_t{503}, std::int64_t{0}, 2.0, std::int64_t{-1}, Cell(), R"([1,2])",
          false},
         {Cell(), Cell(), Cell(), Cell(), Cell(), Cell(), Cell(), Cell()}});
    return kTable;
}

TEST(Expressions, ConditionsPickRows) {
    EXPECT_THAT(evaluated(requests(), "status >= 500 and path not like '/health%'"),
                ElementsAre("false", "true", "null"));
    EXPECT_THAT(evaluated(requests(), "status in (200, 404) or path ~ 'b$'"),
                ElementsAre("true", "true", "null"));
    EXPECT_THAT(evaluated(requests(), "path is null"), ElementsAre("false", "false", "true"));
    EXPECT_THAT(evaluated(requests(), "status between 500 and 599"),
                ElementsAre("false", "true", "null"));
    EXPECT_THAT(evaluated(requests(), "ok is not true"), ElementsAre("false", "true", "true"));
    EXPECT_THAT(evaluated(requests(), "status is distinct from 200"),
                ElementsAre("false", "true", "true"));
}

TEST(Expressions, ComputeValues) {
    EXPECT_THAT(evaluated(requests(), "bytes / 1024.0"), ElementsAre("0.009765625", "0", "null"));
    EXPECT_THAT(evaluated(requests(), "status / 100"), ElementsAre("2", "5", "null"));
    EXPECT_THAT(evaluated(requests(), "coalesce(path, '?') || ' ' || status"),
                ElementsAre("/health 200", "/a/b 503", "null"));
    EXPECT_THAT(evaluated(requests(),
                          "case when status < 400 then 'good' when status < 600 then "
                          "'bad' end"),
                ElementsAre("good", "bad", "null"));
    EXPECT_THAT(evaluated(requests(), "data #>> '{a,1}'"), ElementsAre("x\n", "null", "null"));
    EXPECT_THAT(evaluated(requests(), "(data -> 'a' ->> 0)::int + 1"),
                ElementsAre("2", "null", "null"));
    EXPECT_THAT(evaluated(requests(), "to_char(\"when\", 'YYYY-MM-DD HH24:MI:SS.MS')"),
                ElementsAre("2024-02-29 12:34:56.123", "1969-12-31 23:59:59.999", "null"));
    EXPECT_THAT(evaluated(requests(), "date_trunc('day', \"when\")"),
                ElementsAre("2024-02-29T00:00:00Z", "1969-12-31T00:00:00Z", "null"));
}

TEST(Expressions, ErrorsAreOfTheRecordWithItsValues) {
    EXPECT_THAT(evaluated(requests(), "status / bytes"),
                ElementsAre("20", "error: division of 503 by zero in (status / bytes)", "null"));
    EXPECT_THAT(evaluated(requests(), "bytes + 9223372036854775800"),
                ElementsAre("error: 10 + 9223372036854775800 does not fit an int in (bytes + "
                            "9223372036854775800)",
                            "9223372036854775800", "null"));
    EXPECT_THAT(evaluated(requests(), "path::int"),
                ElementsAre("error: \"/health\" is no int in path::int",
                            "error: \"/a/b\" is no int in path::int", "null"));
    EXPECT_EQ(valueOf("9223372036854775807 + 1"),
              "error: 9223372036854775807 + 1 does not fit an int in (9223372036854775807 + 1)");
    EXPECT_THAT(valueOf("1e308 * 10"), HasSubstr("out of range"));
    EXPECT_THAT(valueOf("-(-9223372036854775807 - 1)"), HasSubstr("does not fit"));
}

TEST(Expressions, WhatIsNotChosenIsNotComputed) {
    EXPECT_THAT(evaluated(requests(), "bytes <> 0 and status / bytes > 1"),
                ElementsAre("true", "false", "null"));
    EXPECT_THAT(evaluated(requests(), "bytes = 0 or status / bytes > 1"),
                ElementsAre("true", "true", "null"));
    EXPECT_THAT(evaluated(requests(), "case when bytes = 0 then 0 else status / bytes end"),
                ElementsAre("20", "0", "null"));
    EXPECT_THAT(evaluated(requests(), "coalesce(nullif(bytes, 0) + 1, 1 / (status - 200))"),
                ElementsAre("11", "0", "null"));
    // Nested choices: the inner one is asked for the rows of the outer one only.
    EXPECT_THAT(evaluated(requests(),
                          "case when ok then case when bytes > 5 then 1 else 1 / 0 end "
                          "when not ok then 2 else 3 end"),
                ElementsAre("1", "2", "3"));
}

TEST(Expressions, OnlySelectedRowsAreComputed) {
    const auto expression = parseExpression("status / bytes", requests().schema());
    ASSERT_TRUE(expression) << expression.error().message;
    const auto evaluator = (*expression)->makeEvaluator();
    const std::uint16_t rows[] = {0, 2};
    Chunk chunk = requests().chunk();
    chunk.selected = rows;
    chunk.selectedCount = 2;
    EXPECT_THAT(results(*evaluator, chunk), ElementsAre("20", "null"));
    chunk.selectedCount = 0;
    EXPECT_THAT(results(*evaluator, chunk), ElementsAre());
    EXPECT_EQ(results(*evaluator, requests().chunk()).size(), 3u);
}

TEST(Expressions, TheNormalFormIsTheSameHoweverItIsWritten) {
    const auto text = [](std::string_view sql) {
        const auto expression = parseExpression(sql, requests().schema());
        return expression ? (*expression)->text() : expression.error().message;
    };
    EXPECT_EQ(text("STATUS>=500   and bytes<2*3"), text("((status >= 500) and (bytes < 6))"));
    EXPECT_EQ(text("500 <= status"), "(status >= 500)");
    EXPECT_EQ(text("\"userId\" = 'it''s'"), "(\"userId\" = 'it''s')");
    EXPECT_EQ(text("path like 'a%' and true"), text("path like 'a%'"));
}

TEST(Expressions, AnEmptyMatchIsNotNull) {
    EXPECT_THAT(evaluated(requests(), "regexp_match(split_part(path, '?', 2), '^$') is null"),
                ElementsAre("false", "false", "true"));
    EXPECT_THAT(evaluated(requests(), "regexp_match(left(path, 0), '(x)|$') is null"),
                ElementsAre("true", "true", "true"));
}

TEST(Expressions, NegativeNumbersAreRead) {
    EXPECT_EQ(valueOf("-13"), "-13");
    EXPECT_EQ(valueOf("- 13"), "-13");
    EXPECT_EQ(valueOf("0"), "0");
    EXPECT_EQ(valueOf("-00"), "0");
    EXPECT_EQ(valueOf("- /* 1 /* 2 */ 3 */ (-- 4\n - (- 13))"), "-13");
    EXPECT_EQ(valueOf("-(-13)"), "13");
    EXPECT_EQ(valueOf("2 - 13"), "-11");
    EXPECT_EQ(valueOf("abs(-13) * -2"), "-26");
    EXPECT_EQ(valueOf("-2147483648"), "-2147483648");
    EXPECT_EQ(valueOf("-9223372036854775808"), "-9223372036854775808");
    EXPECT_EQ(valueOf("-1.5"), "-1.5");
    EXPECT_EQ(valueOf("'é' || -7 || 0"), "é-70");
    EXPECT_THAT(evaluated(requests(), "status in (-1, 0, -200, 200)"),
                ElementsAre("true", "false", "null"));
}

TEST(Expressions, LinesWithBytesThatAreNotUtf8Match) {
    const Table table(schemaOf({{"line", Type::kText}}),
                      {{"ERROR caf\xe9 disk"}, {"ERROR caf\xc3\xa9 disk"}});
    EXPECT_THAT(evaluated(table, "line ~ 'ERROR.*disk'"), ElementsAre("true", "true"));
    EXPECT_THAT(evaluated(table, "line ~ 'caf. '"), ElementsAre("true", "true"));
    EXPECT_THAT(evaluated(table, "line like '%caf_ disk'"), ElementsAre("true", "true"));
    EXPECT_THAT(evaluated(table, "regexp_match(line, 'ERROR (\\w+)')"), ElementsAre("caf", "caf"));
}

TEST(Expressions, NaNComesAfterAllNumbersAndEqualsItself) {
    const Table table(schemaOf({{"x", Type::kFloat}}), {{std::numeric_limits<double>::quiet_NaN()},
                                                        {std::numeric_limits<double>::infinity()},
                                                        {1.0}});
    EXPECT_THAT(evaluated(table, "x > 1e308"), ElementsAre("true", "true", "false"));
    EXPECT_THAT(evaluated(table, "x = 'nan'"), ElementsAre("true", "false", "false"));
    EXPECT_THAT(evaluated(table, "greatest(x, 5)"), ElementsAre("NaN", "Infinity", "5"));
    EXPECT_THAT(evaluated(table, "x in (1, 'NaN')"), ElementsAre("true", "false", "true"));
}

TEST(Expressions, TimesAndIntervals) {
    EXPECT_EQ(valueOf("'2024-01-31'::time + interval '1 month'"), "2024-02-29T00:00:00Z");
    EXPECT_EQ(valueOf("timestamp '2024-03-01' - interval '1 day 02:00'"), "2024-02-28T22:00:00Z");
    EXPECT_EQ(valueOf("extract(epoch from '2024-01-01T00:01:30Z'::time - '2024-01-01'::time)"),
              "90");
    EXPECT_EQ(valueOf("'2024-01-02'::time - '2024-01-01'::time > interval '23 hours'"), "true");
    EXPECT_EQ(valueOf("to_timestamp(0)"), "1970-01-01T00:00:00Z");
    EXPECT_EQ(valueOf("to_timestamp('29.02.2024 12:30', 'DD.MM.YYYY HH24:MI')"),
              "2024-02-29T12:30:00Z");
    EXPECT_EQ(valueOf("'2024-02-29 12:00'::date"), "2024-02-29T00:00:00Z");
}

TEST(Expressions, Digests) {
    EXPECT_EQ(valueOf("md5('')"), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(valueOf("md5(repeat('a', 119))"), "8a7bd0732ed6a28ce75f6dabc90e1613");
    EXPECT_EQ(valueOf("sha256('abc')"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(valueOf("hash64('abc')"), "8696274497037089104");
    EXPECT_EQ(valueOf("hash64('')"), "3244421341483603138");
}

TEST(Expressions, TextsStayWithinTheirBound) {
    EXPECT_THAT(valueOf("repeat('abc', 1000000)"), HasSubstr("more than 1048576 bytes"));
    EXPECT_THAT(valueOf("repeat('abc', 9223372036854775807)"),
                HasSubstr("more than 1048576 bytes"));
    EXPECT_THAT(valueOf("lpad('x', 2000000)"), HasSubstr("more than 1048576 bytes"));
    EXPECT_THAT(valueOf("replace(repeat('a', 100000), 'a', repeat('b', 1000))"),
                HasSubstr("more than 1048576 bytes"));
}

struct Refusal {
    const char* sql;
    const char* message;  // a part of it
};

class RefusedExpressions : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedExpressions, SayWhereAndWhy) {
    const auto expression = parseExpression(GetParam().sql, requests().schema());
    ASSERT_FALSE(expression) << GetParam().sql << " is " << (*expression)->text();
    EXPECT_THAT(expression.error().message, HasSubstr(GetParam().message)) << GetParam().sql;
    EXPECT_EQ(expression.error().kind, core::ErrorKind::kInvalid);
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedExpressions,
    testing::Values(
        Refusal{"status >", "character 9: syntax error at end of input"},
        Refusal{"status >= 1 1", "character 13: syntax error at or near \"1\""},
        Refusal{"'é' || stat",
                "character 8: there is no field \"stat\" here, did you mean "
                "\"status\"?"},
        Refusal{"userid = 'x'", "in double quotes: \"userId\""},
        Refusal{"lenght(path)",
                "character 1: there is no function \"lenght\", did you mean "
                "\"length\"?"},
        Refusal{"ucase(path)", "here it is upper"},
        Refusal{"length(status)", "there is no length(int); there is length(text)"},
        Refusal{"status = 'abc'", "character 10: \"abc\" is no int"},
        Refusal{"path = 5", "path is text, 5 is int"}, Refusal{"path + 1", "path is text"},
        Refusal{"status and ok", "status is int; \"and\" wants bool"},
        Refusal{"now() > \"when\"",
                "character 1: now() is not evaluated here: a batch that is run "
                "again"},
        Refusal{"current_timestamp", "run again"},
        Refusal{"count(*) > 1", "count(…) is an aggregate"},
        Refusal{"sum(bytes) over ()", "window functions are not evaluated here"},
        Refusal{"(select 1)", "a subquery is not evaluated here"},
        Refusal{"path in (select 1)", "a subquery is not evaluated here"},
        Refusal{"array[1]", "an array is not evaluated here"},
        Refusal{"path collate \"C\"", "collate is not evaluated here"},
        Refusal{"path similar to 'x'", "similar to is not evaluated here"},
        Refusal{"$1", "a parameter is not evaluated here"},
        Refusal{"a.path", "there is no stream \"a\" here"},
        Refusal{"status, bytes", "one expression is expected"},
        Refusal{"status as s", "an expression has no name here"},
        Refusal{"status from x", "an expression is expected"},
        Refusal{"1; select 2", "one statement is expected"}, Refusal{"", "expression is expected"},
        Refusal{"path ~ '('", "missing )"}, Refusal{"path like 'x\\'", "ends with an escape"},
        Refusal{"path::uuid", "there is no type \"uuid\" here"},
        Refusal{"path::varchar(3)", "a length or precision"},
        Refusal{"ok::time", "there is no cast of bool to time"},
        Refusal{"interval '1 day'", "an interval is no value of a field"},
        Refusal{"\"when\" - '2024-01-01'", "extract(epoch from a - b)"},
        Refusal{"\"when\" + 1", "there are time + interval"},
        Refusal{"\"when\" - 1", "interval '1 second'"},
        Refusal{"interval '1 fortnight' + \"when\"", "is no interval"},
        Refusal{"date_trunc('hours ago', \"when\")", "there is no part \"hours ago\" of a time"},
        Refusal{"extract(hors from \"when\")", "did you mean \"hour\"?"},
        Refusal{"status\n  + nope", "line 2, character 5: there is no field \"nope\""},
        Refusal{"case when status then 1 end", "\"when\" wants bool"},
        Refusal{"status & 1", "the operator & is not evaluated here"},
        Refusal{"xmlelement(name a)", "XML is not evaluated here"},
        Refusal{"substring(path similar 'x' escape 'y')", "similar is not evaluated here"},
        Refusal{"data -> path -> 'a' = 1", "is json"}));

TEST(Expressions, LargeOrDeepSqlIsRefused) {
    std::string deep = "status";
    for (int i = 0; i < 400; ++i) deep = "-(" + deep + ")";
    EXPECT_THAT(evaluated(requests(), deep)[0], HasSubstr("nested at most 200 deep"));
    std::string sum = "1";
    for (int i = 0; i < 7000; ++i) sum += "+1";
    EXPECT_THAT(evaluated(requests(), sum)[0], HasSubstr("nested at most 200 deep"));
    EXPECT_THAT(evaluated(requests(), std::string(20'000, '('))[0], HasSubstr("at most 16384"));
    EXPECT_THAT(evaluated(requests(), std::string(16'000, '('))[0], StartsWith("refused: "));
    EXPECT_THAT(evaluated(requests(), std::string("a\0b", 3))[0], HasSubstr("not UTF-8"));
    EXPECT_THAT(evaluated(requests(), "path = '\xff'")[0], HasSubstr("character 9: a byte"));
    EXPECT_THAT(evaluated(requests(), "path = E'\\xff'")[0], StartsWith("refused: "));
}

TEST(Expressions, LongListsOfAndOrAndInAreRead) {
    std::string any = "status = 1", in = "status in (1";
    for (int i = 2; i < 800; ++i) any += " or status=" + std::to_string(i);
    for (int i = 2; i < 800; ++i) in += "," + std::to_string(i);
    EXPECT_THAT(evaluated(requests(), any), ElementsAre("true", "true", "null"));
    EXPECT_THAT(evaluated(requests(), in + ")"), ElementsAre("true", "true", "null"));
}

}  // namespace
}  // namespace tidemill::rows::test
