// Steps on rows: where, compute, select, rename, drop, union, explode, top, join, distinct;
// outputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "rows/aggregate.h"
#include "rows/outputs.h"
#include "tests/rows/row_rig.h"

namespace tidemill::rows::test {
namespace {

using core::orThrow;
using testing::HasSubstr;
using tidemill::test::Batches;
using tidemill::test::inMemory;
using tidemill::test::runBatches;

using Rows = std::vector<std::string>;
using Build = std::function<RowStream(const RowStream&)>;

const std::vector<ColumnSpec> kColumns{{"key", Type::kText}, {"n", Type::kInt}, {"t", Type::kText}};

RowStream read(const DStream<std::string>& lines, std::vector<ColumnSpec> columns = kColumns) {
    return rowsOf(lines.map([](const std::string& line) { return std::string_view(line); }),
                  std::move(columns));
}

// What the steps give of one batch, sorted.
Rows of(const Rows& lines, const Build& build, StreamingOptions options = inMemory(),
        std::vector<ColumnSpec> columns = kColumns) {
    return runBatches(
        std::vector<Rows>{lines},
        [&](const DStream<std::string>& stream) { return tuples(build(read(stream, columns))); },
        options)[0];
}

auto isOdd(std::size_t place) {
    return ofInt<Type::kBool>(place, [](std::int64_t n) { return n % 2 != 0; });
}

TEST(RowSteps, WhereKeepsRowsOfTrueAndNullIsNotTrue) {
    EXPECT_EQ(of({"a 1 x", "b 2 x", "c - x", "d 5 x"},
                 [](const RowStream& rows) { return where(rows, isOdd(1)); }),
              (Rows{"(a,1,x)", "(d,5,x)"}));
}

TEST(RowSteps, WhereBehindWhereKeepsWhatBothDo) {
    Rows lines, expected;
    for (int i = 0; i < 5000; ++i) {
        lines.push_back("k " + std::to_string(i) + " x");
        if (i % 2 != 0 && i % 3 == 0) expected.push_back("(k," + std::to_string(i) + ",x)");
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(of(lines,
                 [](const RowStream& rows) {
                     return where(where(rows, isOdd(1)),
                                  ofInt<Type::kBool>(1, [](std::int64_t n) { return n % 3 == 0; }));
                 }),
              expected);
}

TEST(RowSteps, ComputeAddsAndReplacesColumns) {
    EXPECT_EQ(of({"a 1 x", "b - y"},
                 [](const RowStream& rows) {
                     const auto twice = ofInt<Type::kInt>(1, [](std::int64_t n) { return 2 * n; });
                     return orThrow(compute(rows, {{"n", twice}, {"m", twice}}));
                 }),
              (Rows{"(a,2,x,2)", "(b,null,y,null)"}));
}

TEST(RowSteps, ARowThatFailsIsLeftOutAndTheOthersGoOn) {
    auto options = inMemory();
    options.errorPolicy = ErrorPolicy::kSkip;
    const auto noThrees = ofInt<Type::kInt>(1, [](std::int64_t n) {
        if (n % 3 == 0) throw "a three";
        return n;
    });
    EXPECT_EQ(of(
                  {"a 1 x", "b 3 y", "c 4 z", "d q w"},
                  [&](const RowStream& rows) {
                      return orThrow(
                          compute(where(rows, ofInt<Type::kBool>(1, [](auto) { return true; })),
                                  {{"m", noThrees}}));
                  },
                  options),
              (Rows{"(a,1,x,1)", "(c,4,z,4)"}));
}

TEST(RowSteps, ARowThatFailsStopsTheJobWithItsValue) {
    tidemill::test::Life life(inMemory());
    RecordQueue<std::string> queue;
    queue.push({"a 1 x", "b q x"});
    std::map<std::uint64_t, Rows> seen;
    life.collect(tuples(read(life.context().queueStream(queue))), seen);
    life.start();
    life.run(1);
    try {
        life.context().awaitTermination();
        FAIL() << "the job went on";
    } catch (const StreamingError& error) {
        EXPECT_THAT(error.what(), HasSubstr("n: \"q\""));
    }
}

TEST(RowSteps, SelectRenameAndDrop) {
    EXPECT_EQ(
        of({"a 1 x"},
           [](const RowStream& rows) {
               return orThrow(rename(orThrow(drop(orThrow(select(rows, {"t", "n", "key"})), {"n"})),
                                     {{"t", "u"}}));
           }),
        (Rows{"(x,a)"}));
    tidemill::test::Life life(inMemory());
    RecordQueue<std::string> queue;
    const auto rows = read(life.context().queueStream(queue));
    EXPECT_THAT(select(rows, {"m"}).error().message, HasSubstr("\"m\""));
    EXPECT_FALSE(drop(rows, {"key", "n", "t"}));
    EXPECT_FALSE(rename(rows, {{"key", "n"}}));
    EXPECT_EQ(orThrow(rename(rows, {{"key", "n"}, {"n", "key"}})).schema.text(),
              "n text, key int, t text");
}

TEST(RowSteps, UnionTakesRowsOfBothInAnyOrderOfColumns) {
    EXPECT_EQ(of({"a 1 x", "b 2 y"},
                 [](const RowStream& rows) {
                     return orThrow(
                         unite(where(rows, isOdd(1)), orThrow(select(rows, {"t", "key", "n"}))));
                 }),
              (Rows{"(a,1,x)", "(a,1,x)", "(b,2,y)"}));
    tidemill::test::Life life(inMemory());
    RecordQueue<std::string> queue;
    const auto rows = read(life.context().queueStream(queue));
    EXPECT_FALSE(unite(rows, orThrow(drop(rows, {"t"}))));
}

TEST(RowSteps, ExplodeMakesARowOfEachPart) {
    EXPECT_EQ(of({"a 1 x,,y", "b 2 ", "c 3 -"},
                 [](const RowStream& rows) { return orThrow(explode(rows, "t", ",")); }),
              (Rows{"(a,1,)", "(a,1,x)", "(a,1,y)"}));
    auto options = inMemory();
    options.errorPolicy = ErrorPolicy::kSkip;
    std::vector<ColumnSpec> columns = kColumns;
    columns[2].type = Type::kJson;
    EXPECT_EQ(of(
                  {R"(a 1 [1,"b,c",{"d":[2,3]}])", "b 2 []", "c 3 7"},
                  [](const RowStream& rows) { return orThrow(explode(rows, "t", "")); }, options,
                  columns),
              (Rows{"(a,1,1)", "(a,1,b,c)", R"((a,1,{"d":[2,3]}))"}));
    // More parts than a chunk has rows.
    std::string many = "a 1 x";
    for (int i = 0; i < 3000; ++i) many += ",x";
    EXPECT_EQ(
        of({many}, [](const RowStream& rows) { return orThrow(explode(rows, "t", ",")); }).size(),
        3001u);
}

TEST(RowSteps, TopByOneAndSeveralColumns) {
    const Rows lines{"a 3 x", "b 9 y", "c 3 w", "d - v", "e 7 u"};
    const auto top2 = [&](std::vector<OrderBy> by, std::size_t n) {
        return of(lines, [&](const RowStream& rows) { return orThrow(top(rows, by, n)); });
    };
    EXPECT_EQ(top2({{"n"}}, 2), (Rows{"(b,9,y)", "(e,7,u)"}));
    EXPECT_EQ(top2({{"n", false}, {"t", false}}, 1), (Rows{"(c,3,w)"}));
    EXPECT_EQ(top2({{"n", false}}, 1), (Rows{"(a,3,x)"}));
    EXPECT_EQ(top2({{"n"}}, 10).size(), 5u);
}

TEST(RowSteps, TopIsTheSameWhateverTheTasks) {
    Rows lines;
    for (int i = 0; i < 20'000; ++i)
        lines.push_back("key-" + std::to_string(i * 7919 % 20'000) + " " + std::to_string(i % 100) +
                        " x");
    const auto build = [](const RowStream& rows) { return orThrow(top(rows, {{"n"}}, 50)); };
    EXPECT_EQ(of(lines, build, inMemory(1)), of(lines, build, inMemory(7)));
}

std::string joinOf(JoinKind kind) {
    std::string all;
    const auto rows = of({"a 1 l", "a 2 l", "b 3 l", "- 4 l", "a 5 r", "c 7 r", "- 9 r"},
                         [&](const RowStream& both) {
                             const auto is = [](std::int64_t from) {
                                 return ofInt<Type::kBool>(
                                     1, [from](std::int64_t n) { return (n >= 5) == (from == 5); });
                             };
                             const auto left = orThrow(drop(where(both, is(0)), {"t"}));
                             const auto right = orThrow(
                                 rename(orThrow(drop(where(both, is(5)), {"t"})), {{"n", "m"}}));
                             return orThrow(join(left, right, {"key"}, kind));
                         });
    for (const auto& row : rows) all += row;
    return all;
}

TEST(RowSteps, JoinsHaveNullsWhereNothingMatchesAndNullMatchesNothing) {
    EXPECT_EQ(joinOf(JoinKind::kInner), "(a,1,5)(a,2,5)");
    EXPECT_EQ(joinOf(JoinKind::kLeft), "(a,1,5)(a,2,5)(b,3,null)(null,4,null)");
    EXPECT_EQ(joinOf(JoinKind::kRight), "(a,1,5)(a,2,5)(c,null,7)(null,null,9)");
    EXPECT_EQ(joinOf(JoinKind::kFull),
              "(a,1,5)(a,2,5)(b,3,null)(c,null,7)(null,4,null)(null,null,9)");
}

TEST(RowSteps, DistinctKeepsTheFirstOfEach) {
    EXPECT_EQ(of({"a 1 x", "a 1 x", "a 2 y", "b 1 -"},
                 [](const RowStream& rows) { return orThrow(distinct(rows, {})); }),
              (Rows{"(a,1,x)", "(a,2,y)", "(b,1,null)"}));
    EXPECT_EQ(of({"a 1 x", "a 2 y", "b 1 z"},
                 [](const RowStream& rows) { return orThrow(distinct(rows, {"key"})); }),
              (Rows{"(a,1,x)", "(b,1,z)"}));
}

TEST(RowSteps, OneStreamFeedsSeveralSteps) {
    EXPECT_EQ(of({"a 1 x", "b 2 y"},
                 [](const RowStream& rows) {
                     const auto odd = where(rows, isOdd(1));
                     const auto counts = orThrow(aggregate(rows, {{"key"}, {{"rows", "count()"}}}));
                     return orThrow(join(counts, odd, {"key"}, JoinKind::kLeft));
                 }),
              (Rows{"(a,1,1,x)", "(b,1,null,null)"}));
}

std::string contentsOf(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(RowOutputs, PrintShowsTheFirstRowsAndWhetherThereAreMore) {
    tidemill::test::Life life(inMemory());
    RecordQueue<std::string> queue;
    queue.push({"a 1 x", "b 2 y", "c 3 z"});
    std::ostringstream out;
    print(read(life.context().queueStream(queue)), 2, out);
    life.start();
    life.run(1);
    life.context().stop();
    EXPECT_THAT(out.str(), HasSubstr("(a,1,x)\n(b,2,y)\n...\n\n"));
    EXPECT_THAT(out.str(), HasSubstr("Time: 1000 ms"));
}

TEST(RowOutputs, FilesHoldWholeBatches) {
    tidemill::test::TemporaryDirectory directory;
    tidemill::test::Life life(inMemory());
    RecordQueue<std::string> queue;
    queue.push({"a 1 x", "b - y"});
    queue.push({});
    const auto rows = read(life.context().queueStream(queue));
    saveRows(rows, {"json_lines", (directory / "json").string(), ".jsonl", false,
                    orThrow(makeJsonFormat(rows.schema))});
    saveRows(rows, {"csv", (directory / "csv").string(), ".csv", true, makeCsvFormat(rows.schema)});
    saveAsTextFiles(rows, (directory / "text").string(), "");
    life.start();
    life.run(2);
    life.context().stop();
    EXPECT_EQ(contentsOf(directory / "json/00000000000000000001.jsonl"),
              "{\"batch\": 1, \"time\": 1000, \"key\": \"a\", \"n\": 1, \"t\": \"x\"}\n"
              "{\"batch\": 1, \"time\": 1000, \"key\": \"b\", \"n\": null, \"t\": \"y\"}\n");
    EXPECT_FALSE(std::filesystem::exists(directory / "json/00000000000000000002.jsonl"));
    EXPECT_EQ(contentsOf(directory / "csv/00000000000000000001.csv"),
              "key,n,t\r\na,1,x\r\nb,,y\r\n");
    EXPECT_EQ(contentsOf(directory / "csv/00000000000000000002.csv"), "key,n,t\r\n");
    EXPECT_TRUE(std::filesystem::exists(directory / "text-1000/_SUCCESS"));
}

}  // namespace
}  // namespace tidemill::rows::test
