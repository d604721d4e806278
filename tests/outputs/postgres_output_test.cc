// Batches as rows of a real PostgreSQL server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rows/outputs.h"
#include "tests/outputs/postgres_fixture.h"

namespace tidemill::test {
namespace {

using rows::Type;
using rows::test::Cells;
using testing::HasSubstr;

const std::monostate kNull;

class PostgresOutput : public PostgresTest {
protected:
    PostgresOutputOptions options(const std::string& table, SqlMode mode = SqlMode::kAppend) {
        PostgresOutputOptions made;
        made.connection = server_->connection();
        made.table = table;
        made.mode = mode;
        made.create = true;
        return made;
    }
    // In a new data directory, or the one of that name.
    std::string send(const RowBatches& batches, const PostgresOutputOptions& to,
                     const std::string& data = "", ErrorPolicy policy = ErrorPolicy::kStop) {
        return runRows(
            batches,
            [&](const rows::RowStream& stream) { return rows::sendToPostgres(stream, to); },
            directory_ / (data.empty() ? "data" + std::to_string(++lives_) : data), policy);
    }

    TemporaryDirectory directory_;
    int lives_ = 0;
};

RowBatches allTypes() {
    constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    const double infinity = std::numeric_limits<double>::infinity();
    return {{{"n", Type::kInt},
             {"i", Type::kInt},
             {"x", Type::kFloat},
             {"b", Type::kBool},
             {"t", Type::kText},
             {"at", Type::kTime},
             {"j", Type::kJson}},
            {{{std::int64_t{1}, kMin, -0.0, true, std::string("ü \\ \t\n'\""), std::int64_t{0},
               std::string(R"({"a": [1, null, "\u00fc"]})")},
              {std::int64_t{2}, kMax, std::nan(""), false, std::string(), std::int64_t{-1},
               std::string("null")},
              {std::int64_t{3}, std::int64_t{0}, infinity, true, std::string("\\N"),
               std::int64_t{1'709'209'859'123'456}, std::string("1e400")}},
             {{std::int64_t{4}, kNull, kNull, kNull, kNull, kNull, kNull},
              {std::int64_t{5}, std::int64_t{-1}, -infinity, false, std::string(3000, 'x'),
               std::int64_t{-210'866'803'200'000'000}, std::string("\"\"")},
              {std::int64_t{6}, std::int64_t{1}, std::numeric_limits<double>::denorm_min(), true,
               std::string("\xF0\x9F\x98\x80"), std::int64_t{253'402'300'799'999'999},
               std::string("true")}}}};
}

TEST_F(PostgresOutput, KeepsEveryValueOfEveryType) {
    EXPECT_EQ(send(allTypes(), options("all_types")), "");
    EXPECT_EQ(ask("select n, i, x, b, t, at, j from all_types where n < 3 order by n"),
              "1|-9223372036854775808|-0|t|ü \\ \t\n'\"|1970-01-01 00:00:00+00|"
              "{\"a\": [1, null, \"\\u00fc\"]}\n"
              "2|9223372036854775807|NaN|f||1969-12-31 23:59:59.999999+00|null\n");
    EXPECT_EQ(ask("select i, x, b, t, at, j from all_types where n = 3"),
              "0|Infinity|t|\\N|2024-02-29 12:30:59.123456+00|1e400\n");
    EXPECT_EQ(ask("select num_nulls(i, x, b, t, at, j) from all_types where n = 4"), "6\n");
    EXPECT_EQ(ask("select i, x, b, length(t), at, j from all_types where n = 5"),
              "-1|-Infinity|f|3000|4714-11-24 00:00:00+00 BC|\"\"\n");
    EXPECT_EQ(ask("select i, x, octet_length(t), at from all_types where n = 6"),
              "1|5e-324|4|9999-12-31 23:59:59.999999+00\n");
    EXPECT_EQ(ask("select string_agg(format_type(atttypid, atttypmod), ',' order by attnum) from "
                  "pg_attribute where attrelid = 'all_types'::regclass and attnum > 0"),
              "bigint,bigint,double precision,boolean,text,timestamp with time zone,json\n");
    EXPECT_EQ(ask("select batch, previous, records from tidemill_progress"), "2|1|3\n");
}

RowBatches pairs(std::vector<std::vector<std::pair<std::string, std::int64_t>>> batches) {
    RowBatches made{{{"k", Type::kText}, {"n", Type::kInt}}, {}};
    for (const auto& batch : batches) {
        made.batches.emplace_back();
        for (const auto& [k, n] : batch) made.batches.back().push_back({k, n});
    }
    return made;
}

TEST_F(PostgresOutput, UpsertKeepsTheLastRowOfEachKey) {
    auto to = options("totals", SqlMode::kUpsert);
    to.key = {"k"};
    EXPECT_EQ(send(pairs({{{"a", 1}, {"b", 2}},
                          {{"b", 3}, {"c", 4}, {"c", 5}, {"b", 6}, {"c", 7}},
                          {{"d", 8}}}),
                   to),
              "");
    EXPECT_EQ(ask("select k, n from totals order by k"), "a|1\nb|6\nc|7\nd|8\n");
    EXPECT_EQ(ask("select indisprimary from pg_index where indrelid = 'totals'::regclass"), "t\n");
}

TEST_F(PostgresOutput, ReplaceLeavesTheRowsOfTheLastBatchOnly) {
    EXPECT_EQ(send(pairs({{{"a", 1}, {"b", 2}}, {{"c", 3}}}), options("top", SqlMode::kReplace)),
              "");
    EXPECT_EQ(ask("select k, n from top"), "c|3\n");
    // A batch without rows leaves none.
    auto batches = pairs({{{"a", 1}}, {}});
    EXPECT_EQ(send(batches, options("empty", SqlMode::kReplace)), "");
    EXPECT_EQ(ask("select count(*) from empty"), "0\n");
}

TEST_F(PostgresOutput, TakesANarrowerTableAndRefusesWhatDoesNotFitInARow) {
    run("create schema shop; create table shop.\"Narrow\" (id serial, k varchar(3) not null, n "
        "smallint);");
    auto to = options("shop.Narrow");
    to.create = false;
    RowBatches batches{{{"k", Type::kText}, {"n", Type::kInt}},
                       {{{std::string("üüü"), std::int64_t{-32768}},
                         {std::string("four"), std::int64_t{1}},
                         {std::string("a"), std::int64_t{32768}},
                         {kNull, std::int64_t{1}},
                         {std::string("a\0b", 3), std::int64_t{1}},
                         {std::string("\xff"), std::int64_t{1}},
                         {std::string("b"), kNull}}}};
    EXPECT_EQ(send(batches, to, "data", ErrorPolicy::kDeadLetter), "");
    EXPECT_EQ(ask("select k, n from shop.\"Narrow\" order by k"), "b|\nüüü|-32768\n");
    std::string letters;
    for (const auto& entry :
         std::filesystem::directory_iterator(directory_ / "data" / "dead_letters"))
        if (entry.path().extension() == ".jsonl") letters += tailOf(entry.path());
    EXPECT_THAT(letters, HasSubstr("k has 4 characters, and the table's column takes 3"));
    EXPECT_THAT(letters, HasSubstr("n 32768 does not fit into a column of type smallint"));
    EXPECT_THAT(letters, HasSubstr("k is null, and the table's column is not null"));
    EXPECT_THAT(letters, HasSubstr("k holds a NUL byte"));
    EXPECT_THAT(letters, HasSubstr("k is not UTF-8"));
    // Where records may not be left out, the job ends and nothing of the batch is there.
    run("delete from shop.\"Narrow\"; delete from tidemill_progress;");
    EXPECT_THAT(send(batches, to), HasSubstr("k has 4 characters"));
    EXPECT_EQ(ask("select count(*) from shop.\"Narrow\""), "0\n");
}

TEST_F(PostgresOutput, JsonGoesIntoJsonbAndText) {
    run("create table j (a jsonb, b text);");
    RowBatches batches{{{"a", Type::kJson}, {"b", Type::kJson}},
                       {{{std::string("{\"x\":1}"), std::string("[1]")},
                         {std::string("\"\\u0000\""), std::string("1")},
                         {std::string("\"\\\\u0000\""), std::string("2")}}}};
    EXPECT_EQ(send(batches, options("j"), "", ErrorPolicy::kSkip), "");
    EXPECT_EQ(ask("select a, b from j order by b"), "\"\\\\u0000\"|2\n{\"x\": 1}|[1]\n");
}

TEST_F(PostgresOutput, ATableThatDoesNotFitIsRefusedWithBothTypes) {
    auto to = options("misfit");
    const auto batches = pairs({{{"a", 1}}});
    to.create = false;
    EXPECT_THAT(send(batches, to),
                HasSubstr("the table does not exist; make it, or set create = true: create table "
                          "\"misfit\" (\"k\" text, \"n\" bigint)"));
    run("create table misfit (k integer, m text not null, x timestamp);");
    const auto said = send(batches, to);
    EXPECT_THAT(said, HasSubstr("the rows have \"k\" of type text, the table has it of type "
                                "integer and must have text or character varying"));
    EXPECT_THAT(said, HasSubstr("the rows have \"n\" of type int, the table has no such column"));
    EXPECT_THAT(said, HasSubstr("the table has \"m\" of type text not null without a default"));
    run("create view seen as select 1 as n;");
    to.table = "seen";
    EXPECT_THAT(send(batches, to), HasSubstr("this is no table"));
    run("create table plain (k text, n bigint);");
    to.table = "plain";
    to.mode = SqlMode::kUpsert;
    to.key = {"k"};
    EXPECT_THAT(send(batches, to),
                HasSubstr("create unique index on \"public\".\"plain\" (\"k\")"));
    run("create unique index on plain (k, n); create unique index on plain (k) where n > 0;");
    EXPECT_THAT(send(batches, to), HasSubstr("needs a unique index on the key"));
    run("create unique index on plain (k) include (n);");
    EXPECT_EQ(send(batches, to), "");
}

TEST_F(PostgresOutput, RightsAreAskedForBeforeTheStart) {
    run("drop role if exists clerk; create role clerk login; create table desk (k text, n bigint); "
        "grant select on desk to clerk;");
    auto to = options("desk");
    to.connection += " user=clerk";
    EXPECT_THAT(send(pairs({{{"a", 1}}}), to), HasSubstr("user clerk needs INSERT on public.desk"));
    run("grant insert on desk to clerk; revoke create on schema public from public;");
    EXPECT_THAT(send(pairs({{{"a", 1}}}), to), HasSubstr("(SQL state 42501)"));
    run("grant create on schema public to public;");
    EXPECT_EQ(send(pairs({{{"a", 1}}}), to), "");
    run("drop table tidemill_progress; drop owned by clerk;");
}

TEST_F(PostgresOutput, AnErrorOfABatchNamesBatchAndState) {
    run("create table strict (k text, n bigint check (n < 10));");
    const auto said = send(pairs({{{"a", 1}}, {{"b", 2}, {"c", 11}}}), options("strict"));
    EXPECT_THAT(said, HasSubstr("batch 2: PostgreSQL host="));
    EXPECT_THAT(said, HasSubstr("(SQL state 23514)"));
    EXPECT_THAT(said, HasSubstr("line 2"));
    EXPECT_EQ(ask("select k from strict"), "a\n");
}

TEST_F(PostgresOutput, WrongSettingsAreRefusedAndPasswordsNotShown) {
    const auto batches = pairs({{{"a", 1}}});
    auto to = options("t");
    to.connection = "host=localhost pasword=hunter2";
    EXPECT_THAT(send(batches, to), HasSubstr("\"pasword\", did you mean \"password\"?"));
    to.connection = "password=hunter2 secret";
    EXPECT_THAT(send(batches, to), testing::Not(HasSubstr("secret")));
    to = options("t", SqlMode::kUpsert);
    EXPECT_THAT(send(batches, to), HasSubstr("needs a key"));
    to.key = {"kk"};
    EXPECT_THAT(send(batches, to), HasSubstr("key \"kk\" is no column of the rows"));
    to = options("t");
    to.connection = "host=" + (directory_ / "none").string() + " password=hunter2 dbname=shop";
    const auto shown = [&] {
        StreamingContext context(inMemory());
        const rows::test::Table table(*rows::Schema::of({{"k", Type::kText}}), {});
        (void)rows::sendToPostgres(rows::test::rowsOfTable(context, table), to);
        return context.job()->graph.outputs().back()->describe();
    }();
    EXPECT_THAT(shown, HasSubstr("dbname=shop"));
    EXPECT_THAT(shown, testing::Not(HasSubstr("hunter2")));
    to = options("t");
    to.connection += " dbname=nowhere";
    EXPECT_THAT(send(batches, to), HasSubstr("3D000"));
}

TEST_F(PostgresOutput, TwoOutputsDoNotShareATableHoweverTheyNameIt) {
    const auto said = runRows(
        pairs({{{"a", 1}}}),
        [&](const rows::RowStream& stream) -> core::Result<> {
            TM_TRY(rows::sendToPostgres(stream, options("t")));
            return rows::sendToPostgres(stream, options("public.t"));
        },
        directory_ / "data");
    EXPECT_THAT(said, HasSubstr("another output of this job writes to public.t already"));
}

TEST_F(PostgresOutput, RowsOfAnotherDirectoryAreRefusedUnlessTheTableIsShared) {
    EXPECT_EQ(send(pairs({{{"a", 1}}}), options("t"), "one"), "");
    const auto said = send(pairs({{{"b", 2}}}), options("t"), "two");
    EXPECT_THAT(said, HasSubstr("the table has rows of data directory"));
    EXPECT_THAT(said, HasSubstr("shared = true"));
    auto shared = options("t");
    shared.shared = true;
    EXPECT_EQ(send(pairs({{{"b", 2}}}), shared, "three"), "");
    EXPECT_EQ(ask("select k from t order by k"), "a\nb\n");
}

TEST_F(PostgresOutput, StreamsOfProgramsAreRowsByTheirParts) {
    Life life(inMemory());
    using Row = std::tuple<std::string, std::int64_t, std::optional<double>>;
    RecordQueue<Row> queue;
    queue.push({Row("a", 1, 0.5), Row("b", 2, std::nullopt)});
    auto to = options("rows");
    to.columns = {"name", "n", "x"};
    const auto stream = life.context().queueStream(queue);
    stream.toPostgres(to);
    to.columns = {"name"};
    EXPECT_THROW(stream.toPostgres(to), std::invalid_argument);
    life.start();
    life.run(1);
    life.context().stop();
    EXPECT_EQ(ask("select name, n, x from rows order by n"), "a|1|0.5\nb|2|\n");
}

}  // namespace
}  // namespace tidemill::test
