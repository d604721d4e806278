// Plans of SQL, and what of SQL is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rows/sql/plan.h"

namespace tidemill::rows::sql {
namespace {

using testing::HasSubstr;

const std::map<std::string, Schema>& streams() {
    static const std::map<std::string, Schema> kStreams = {
        {"requests", *Schema::of({{"path", Type::kText},
                                  {"status", Type::kInt},
                                  {"bytes", Type::kInt},
                                  {"user_id", Type::kInt},
                                  {"seconds", Type::kFloat}})},
        {"users",
         *Schema::of({{"user_id", Type::kInt}, {"name", Type::kText}, {"age", Type::kFloat}})},
        {"orders", *Schema::of({{"id", Type::kInt}, {"path", Type::kText}})},
    };
    return kStreams;
}

std::string planned(std::string_view query) {
    const auto made = plan(query, streams());
    return made ? made->text() : "refused: " + made.error().message;
}

TEST(SqlPlan, GroupsOfABatch) {
    EXPECT_EQ(planned("select path, count(*) as n from requests where status = 404 group by path "
                      "having count(*) > 10"),
              "from requests\n"
              "    -> path text, status int, bytes int, user_id int, seconds float\n"
              "where (status = 404)\n"
              "    -> path text, status int, bytes int, user_id int, seconds float\n"
              "aggregate n = count(*) by path, each batch\n"
              "    -> path text, n int\n"
              "having (n > 10)\n"
              "    -> path text, n int\n");
}

TEST(SqlPlan, ComputesKeysAndArgumentsBeforeGroupsAndResultsBehind) {
    EXPECT_EQ(
        planned("select split_part(path, '/', 2) as area, sum(bytes) / count(*) as mean, "
                "max(bytes + 1) from requests group by 1, tumble('1 minute')"),
        "from requests\n"
        "    -> path text, status int, bytes int, user_id int, seconds float\n"
        "select area = split_part(path, '/', 2), bytes = bytes, +(bytes, 1) = (bytes + 1)\n"
        "    -> area text, bytes int, +(bytes, 1) int\n"
        "aggregate sum(bytes) = sum(bytes), count(*) = count(*), max = max(+(bytes, 1)) by area, "
        "window of 60 s\n"
        "    -> area text, sum(bytes) int, count(*) int, max int\n"
        "select area = area, mean = (\"sum(bytes)\" / \"count(*)\"), max = max\n"
        "    -> area text, mean int, max int\n");
}

TEST(SqlPlan, WindowsAndRunningGroups) {
    EXPECT_THAT(
        planned("select count(*) from requests group by hop('1 minute', '10 seconds')"),
        HasSubstr("aggregate count = count(*), window of 60 s each 10 s\n    -> count int\n"));
    EXPECT_THAT(planned("select path, count(*) from requests group by path, running()"),
                HasSubstr("by path, running\n"));
    EXPECT_THAT(planned("select path, count(*) from requests group by path, running('1 day')"),
                HasSubstr("by path, running, forgotten after 86400 s\n"));
    EXPECT_THAT(planned("select path from requests group by path, tumble(interval '90 s')"),
                HasSubstr("aggregate nothing by path, window of 90 s"));
}

TEST(SqlPlan, AllAggregates) {
    EXPECT_THAT(
        planned("select count(path), sum(seconds), avg(bytes), min(path), first(status), "
                "last(seconds), stddev(bytes), count(distinct path) as d, "
                "approx_distinct(path), approx_percentile(seconds, 0.99), top(path, 3) from "
                "requests"),
        HasSubstr("-> count int, sum float, avg float, min text, first int, last float, "
                  "stddev float, d int, approx_distinct int, approx_percentile float, top "
                  "json\n"));
    EXPECT_THAT(planned("select count(*) filter (where status >= 500) as errors, sum(bytes) filter "
                        "(where status < 300) as good from requests"),
                HasSubstr("case when (status >= 500) then true else null end"));
    EXPECT_THAT(planned("select count(*) from requests having sum(bytes) > 10"),
                HasSubstr("aggregate count = count(*), sum(bytes) = sum(bytes), each batch\n"));
}

TEST(SqlPlan, WithoutGroupsRowsStayRows) {
    EXPECT_EQ(planned("select * from requests"),
              "from requests\n"
              "    -> path text, status int, bytes int, user_id int, seconds float\n");
    EXPECT_THAT(
        planned("select r.path, bytes / 1024.0 as kb from requests as r where r.status < 400"),
        HasSubstr("select path = path, kb = (bytes::float / 1024.0)\n    -> path text, kb "
                  "float\n"));
    EXPECT_THAT(planned("select distinct path from requests"),
                HasSubstr("select path = path\n    -> path text\ndistinct\n    -> path text\n"));
}

TEST(SqlPlan, OrderAndLimitTakeTheFirstOfABatch) {
    EXPECT_THAT(planned("select path, count(*) as n from requests group by path order by n desc, 1 "
                        "limit 5"),
                HasSubstr("top 5 by n desc, path\n    -> path text, n int\n"));
    EXPECT_THAT(
        planned("select path from requests order by bytes * 2 desc limit 3"),
        HasSubstr("select path = path, *(bytes, 2) = (bytes * 2)\n    -> path text, "
                  "*(bytes, 2) int\ntop 3 by *(bytes, 2) desc\n    -> path text, *(bytes, 2) "
                  "int\nselect path = path\n    -> path text\n"));
    EXPECT_THAT(planned("select path from requests group by path order by sum(bytes) desc limit 3"),
                HasSubstr("aggregate sum(bytes) = sum(bytes) by path, each batch\n"));
}

TEST(SqlPlan, JoinsAreOnEqualValues) {
    EXPECT_EQ(planned("select u.name, r.bytes from requests r left join users u on r.user_id = "
                      "u.user_id"),
              "from requests\n"
              "    -> path text, status int, bytes int, user_id int, seconds float\n"
              "select r.bytes = bytes, r.user_id = user_id\n"
              "    -> r.bytes int, r.user_id int\n"
              "select join 1.1 = \"r.user_id\", r.bytes = \"r.bytes\", r.user_id = \"r.user_id\"\n"
              "    -> join 1.1 int, r.bytes int, r.user_id int\n"
              "left join on join 1.1\n"
              "    -> join 1.1 int, r.bytes int, r.user_id int, u.user_id int, u.name text\n"
              "    | from users\n"
              "    |     -> user_id int, name text, age float\n"
              "    | select join 1.1 = user_id, u.user_id = user_id, u.name = name\n"
              "    |     -> join 1.1 int, u.user_id int, u.name text\n"
              "select name = \"u.name\", bytes = \"r.bytes\"\n"
              "    -> name text, bytes int\n");
    EXPECT_THAT(planned("select user_id, name from requests join users using (user_id)"),
                HasSubstr("select user_id = coalesce(\"requests.user_id\", \"users.user_id\")"));
    EXPECT_THAT(planned("select a.name from users a join users b on a.age = b.user_id and a.name < "
                        "b.name"),
                HasSubstr("where (\"a.name\" < \"b.name\")"));
    EXPECT_THAT(
        planned("select count(*) from requests r join users u on u.user_id = r.user_id join "
                "orders o on lower(o.path) = r.path"),
        HasSubstr("join on join 2.1"));
}

struct Refusal {
    const char* query;
    const char* message;
};
class RefusedSql : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedSql, SaysWhereAndWhy) {
    const std::string made = planned(GetParam().query);
    EXPECT_THAT(made, testing::StartsWith("refused: ")) << GetParam().query;
    EXPECT_THAT(made, HasSubstr(GetParam().message)) << GetParam().query;
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedSql,
    testing::Values(
        Refusal{"select path frm requests", "character 17: syntax error at or near \"requests\""},
        Refusal{"select path from request",
                "character 18: there is no stream \"request\", did you "
                "mean \"requests\"?"},
        Refusal{"select pth from requests",
                "character 8: there is no field \"pth\" here, did you mean "
                "\"path\"?"},
        Refusal{"select sum(bytes) over (partition by path) from requests",
                "window functions are not evaluated here"},
        Refusal{"select row_number() over w from requests window w as (order by path)", "window"},
        Refusal{"select (select 1) as x from requests", "character 8: a subquery is not evaluated"},
        Refusal{"select path from (select * from requests) as r", "a subquery in from"},
        Refusal{"with r as (select * from requests) select * from r",
                "with (a common table expression) is not evaluated here"},
        Refusal{"select path from requests union select name from users", "union is not evaluated"},
        Refusal{"select path from requests except select name from users",
                "except is not evaluated"},
        Refusal{"values (1)", "values is not evaluated here"},
        Refusal{"select 1 as one", "\"from\" with a stream is missing"},
        Refusal{"select path from requests, users", "not by a comma"},
        Refusal{"select path from requests cross join users", "a join without \"on"},
        Refusal{"select path from requests natural join users", "natural join"},
        Refusal{"select status from requests join users on status > age", "joined on equal values"},
        Refusal{
            "select path from requests r left join users u on r.user_id = u.user_id and age > 3",
            "an outer join is on equal values"},
        Refusal{"select status from requests join users on path = age",
                "\"on\" wants values of one "
                "type"},
        Refusal{"select user_id from requests join users on name = path",
                "\"user_id\" is in several "
                "streams"},
        Refusal{"select x.path from requests r", "there is no stream \"x\" here"},
        Refusal{"select path from requests for update", "for update is not evaluated here"},
        Refusal{"select path into x from requests", "into is not evaluated here"},
        Refusal{"select path from requests order by path", "order by needs a limit"},
        Refusal{"select path from requests limit 5", "limit needs order by"},
        Refusal{"select path from requests order by path limit 5 offset 3",
                "offset is not evaluated"},
        Refusal{"select path from requests order by path nulls first limit 5", "nulls first"},
        Refusal{"select path from requests order by path fetch first 5 rows with ties",
                "with ties"},
        Refusal{"select path from requests order by 3 limit 5", "there is no result 3"},
        Refusal{"select path from requests order by path limit 0", "from 1 to 1000000"},
        Refusal{"select path, count(*) from requests",
                "character 8: the field \"path\" has no one "
                "value in a group"},
        Refusal{"select path, bytes from requests group by path", "\"bytes\" has no one value"},
        Refusal{"select path from requests group by path having bytes > 3", "\"bytes\" has no one"},
        Refusal{"select path from requests where count(*) > 3", "count(…) is an aggregate"},
        Refusal{"select sum(count(*)) from requests", "an aggregate of an aggregate"},
        Refusal{"select count(*) as n from requests group by count(*)", "no part of group by"},
        Refusal{"select sum(path) from requests",
                "sum takes numbers, but path is text: write "
                "path::int"},
        Refusal{"select sum(distinct bytes) from requests", "count(distinct x) is"},
        Refusal{"select string_agg(path, ',') from requests", "is an aggregate"},
        Refusal{"select percentile_cont(0.5) within group (order by bytes) from requests",
                "not evaluated here"},
        Refusal{"select count(*) from requests group by rollup(path)", "rollup"},
        Refusal{"select count(*) from requests group by tumble('1 minute'), running()",
                "one window"},
        Refusal{"select count(*) from requests group by tumble('1 month')", "a month has no fixed"},
        Refusal{"select count(*) from requests group by tumble('soon')", "is no interval"},
        Refusal{"select count(*) from requests group by tumble(bytes)", "in quotes"},
        Refusal{"select count(*) from requests group by hop('1 minute')", "write hop("},
        Refusal{"select count(*) from requests group by hop('1 minute', '2 minutes')", "farther"},
        Refusal{"select tumble('1 minute') from requests", "stands in group by of sql only"},
        Refusal{"select path, path from requests", "two results are named \"path\""},
        Refusal{"select bytes + 1 from requests", "a result needs a name: +(bytes, 1) as NAME"},
        Refusal{"select distinct on (path) path from requests", "distinct on"},
        Refusal{"select path from requests where status", "where wants bool, not int"},
        Refusal{"select approx_percentile(bytes, 2) from requests", "a share from 0 to 1"},
        Refusal{"select top(path, 0) from requests", "from 1 to 999999"},
        Refusal{"select top(path) from requests", "write top(FIELD, 3)"},
        Refusal{"insert into requests values (1)", "a select is expected"},
        Refusal{"select * from requests; select 1", "one statement is expected"},
        Refusal{"select path from generate_series(1, 2)", "a function in from"},
        Refusal{"select path from public.requests", "streams have no schema"},
        Refusal{"select path\nfrom requests\nwhere pth = 'x'",
                "line 3, character 7: there is no field "
                "\"pth\""}));

}  // namespace
}  // namespace tidemill::rows::sql
