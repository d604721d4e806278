// Aggregates of rows: each function, in batches, windows and running state, over lives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "rows/aggregate.h"
#include "tests/rows/row_rig.h"

namespace tidemill::rows::test {
namespace {

using core::orThrow;
using testing::HasSubstr;
using tidemill::test::Batches;
using tidemill::test::expectAlsoWithKills;
using tidemill::test::inMemory;
using tidemill::test::runBatches;

using Lines = std::vector<std::vector<std::string>>;

const std::vector<ColumnSpec> kColumns{
    {"key", Type::kText}, {"n", Type::kInt}, {"x", Type::kFloat}};

RowStream read(const DStream<std::string>& lines, std::vector<ColumnSpec> columns = kColumns) {
    return rowsOf(lines.map([](const std::string& line) { return std::string_view(line); }),
                  std::move(columns));
}

// What `how` gives of each batch.
Batches aggregated(const Lines& lines, const Aggregation& how,
                   std::vector<ColumnSpec> columns = kColumns) {
    return runBatches(lines, [&](const DStream<std::string>& stream) {
        return tuples(orThrow(aggregate(read(stream, columns), how)));
    });
}

// The results of all functions over the second and third column of one group.
std::string one(const std::vector<std::string>& lines, const std::string& call) {
    const auto batches = aggregated({lines}, {{}, {{"r", call}}});
    return batches[0].empty() ? "" : batches[0][0];
}

TEST(RowAggregates, GroupsByKeyAndNullIsAGroupOfItsOwn) {
    EXPECT_EQ(aggregated({{"a 1 1", "b 2 1", "a 3 1", "- 5 1", "- 6 1"}},
                         {{"key"}, {{"rows", "count()"}, {"total", "sum(n)"}}}),
              (Batches{{"(a,2,4)", "(b,1,2)", "(null,2,11)"}}));
    EXPECT_EQ(aggregated({{"a 1 1", "a 1 2", "a - 1"}}, {{"key", "n"}, {{"rows", "count()"}}}),
              (Batches{{"(a,1,2)", "(a,null,1)"}}));
}

TEST(RowAggregates, PassOverNullsAndAreNullOfNothing) {
    const std::vector<std::string> some{"a - -", "a 3 0.5", "a -4 -", "a 8 2.5"};
    const std::vector<std::string> none{"a - -", "a - -"};
    const struct {
        const char* call;
        const char* some;
        const char* none;
    } cases[] = {
        {"count()", "(4)", "(2)"},
        {"count(*)", "(4)", "(2)"},
        {"count(n)", "(3)", "(0)"},
        {"count(distinct n)", "(3)", "(0)"},
        {"approx_distinct(n)", "(3)", "(0)"},
        {"sum(n)", "(7)", "(null)"},
        {"sum(x)", "(3)", "(null)"},
        {"avg(x)", "(1.5)", "(null)"},
        {"min(n)", "(-4)", "(null)"},
        {"max(x)", "(2.5)", "(null)"},
        {"min(key)", "(a)", "(a)"},
        {"first(n)", "(3)", "(null)"},
        {"last(n)", "(8)", "(null)"},
        {"stddev_pop(x)", "(1)", "(null)"},
        {"var_pop(x)", "(1)", "(null)"},
        {"variance(x)", "(2)", "(null)"},
        {"approx_percentile(n, 0)", "(-4)", "(null)"},
        {"approx_percentile(n, 1)", "(8)", "(null)"},
    };
    for (const auto& test : cases) {
        EXPECT_EQ(one(some, test.call), test.some) << test.call;
        EXPECT_EQ(one(none, test.call), test.none) << test.call;
    }
    EXPECT_EQ(one({"a 1 1"}, "stddev(x)"), "(null)");
}

TEST(RowAggregates, WholeNumbersAreExact) {
    EXPECT_EQ(one({"a 9007199254740992 1", "a 9007199254740993 1"}, "max(n)"),
              "(9007199254740993)");
    EXPECT_EQ(
        one({"a 9223372036854775807 1", "a 9223372036854775807 1", "a -9223372036854775807 1"},
            "sum(n)"),
        "(9223372036854775807)");
    EXPECT_EQ(one({"a -9223372036854775808 1"}, "sum(n)"), "(-9223372036854775808)");
}

TEST(RowAggregates, NanOrdersAfterAllNumbers) {
    EXPECT_EQ(one({"a 1 nan", "a 1 3"}, "max(x)"), "(NaN)");
    EXPECT_EQ(one({"a 1 nan", "a 1 3"}, "min(x)"), "(3)");
    EXPECT_EQ(one({"a 1 3", "a 1 nan"}, "max(x)"), "(NaN)");
}

TEST(RowAggregates, LooseTextsAreTakenForNumbers) {
    std::vector<ColumnSpec> columns{{"key", Type::kText}, {"n", Type::kText}};
    columns[1].isLoose = true;
    const auto loose = [&](const std::vector<std::string>& lines, const std::string& call) {
        return aggregated({lines}, {{"key"}, {{"r", call}}}, columns)[0];
    };
    using Rows = std::vector<std::string>;
    EXPECT_EQ(loose({"a 9007199254740993", "a 007"}, "sum(n)"), Rows{"(a,9007199254741000)"});
    EXPECT_EQ(loose({"a 9007199254740992", "a 9007199254740993"}, "max(n)"),
              Rows{"(a,9007199254740993)"});
    EXPECT_EQ(loose({"a .5", "a 007"}, "min(n)"), Rows{"(a,0.5)"});
    EXPECT_EQ(loose({"a .5", "a 007"}, "max(n)"), Rows{"(a,7)"});
    EXPECT_EQ(loose({"a .5", "a 1"}, "sum(n)"), Rows{"(a,1.5)"});
    EXPECT_EQ(loose({"a 1", "a 2"}, "avg(n)"), Rows{"(a,1.5)"});
    EXPECT_EQ(loose({"a x", "a y", "a x"}, "top(1, n)"),
              Rows{"(a,[{\"value\": \"x\", \"count\": 2}])"});
}

// What becomes of rows that fail, by the job's policy.
TEST(RowAggregates, AGroupWhoseSumDoesNotFitIsNamedAndLeftOut) {
    auto options = inMemory();
    options.errorPolicy = ErrorPolicy::kSkip;
    const Lines lines{{"a 9223372036854775807 1", "a 1 1", "b 1 1"}};
    EXPECT_EQ(
        runBatches(
            lines,
            [](const DStream<std::string>& stream) {
                return tuples(orThrow(aggregate(read(stream), {{"key"}, {{"total", "sum(n)"}}})));
            },
            options),
        (Batches{{"(b,1)"}}));
}

TEST(RowAggregates, ASumOfFloatsOverTheirRangeIsAnErrorAndInfinitiesOfTheInputAreNot) {
    auto options = inMemory();
    options.errorPolicy = ErrorPolicy::kSkip;
    const Lines lines{{"a 1 1e308", "a 1 1e308", "b 1 1", "c 1 inf", "c 1 1"}};
    for (const auto* call : {"sum(x)", "avg(x)"})
        EXPECT_EQ(runBatches(
                      lines,
                      [&](const DStream<std::string>& stream) {
                          return tuples(orThrow(aggregate(read(stream), {{"key"}, {{"r", call}}})));
                      },
                      options),
                  (Batches{{"(b,1)", "(c,Infinity)"}}))
            << call;
}

TEST(RowAggregates, ARowThatIsNoNumberTakesPartInNothing) {
    std::vector<ColumnSpec> columns{{"key", Type::kText}, {"n", Type::kText}};
    columns[1].isLoose = true;
    auto options = inMemory();
    options.errorPolicy = ErrorPolicy::kSkip;
    EXPECT_EQ(
        runBatches(
            Lines{{"a x", "a 1", "b y"}},
            [&](const DStream<std::string>& stream) {
                return tuples(orThrow(aggregate(
                    read(stream, columns), {{"key"}, {{"rows", "count()"}, {"total", "sum(n)"}}})));
            },
            options),
        (Batches{{"(a,1,1)"}}));
}

// Random rows and what a program that takes its time makes of them.
struct Model {
    struct Group {
        std::int64_t rows = 0, sum = 0, least = 0, most = 0;
        std::string first, last;
        std::map<std::string, int> values;
    };
    std::map<std::string, Group> groups;

    void add(const std::string& line) {
        const auto blank = line.find(' ');
        const std::string key = line.substr(0, blank);
        const std::int64_t n = std::stol(line.substr(blank + 1));
        const std::string text = line.substr(line.rfind(' ') + 1);
        auto& group = groups[key];
        group.least = group.rows == 0 ? n : std::min(group.least, n);
        group.most = group.rows == 0 ? n : std::max(group.most, n);
        if (group.rows++ == 0) group.first = text;
        group.last = text;
        group.sum += n;
        ++group.values[text];
    }
    std::string tuple(const std::string& key) const {
        const auto& group = groups.at(key);
        return "(" + key + "," + std::to_string(group.rows) + "," + std::to_string(group.sum) +
               "," + std::to_string(group.least) + "," + std::to_string(group.most) + "," +
               group.first + "," + group.last + "," + std::to_string(group.values.size()) + ")";
    }
};

Lines randomLines(std::size_t batches, std::uint32_t seed) {
    std::mt19937 random(seed);
    Lines lines(batches);
    for (auto& batch : lines)
        for (std::size_t i = random() % 400; i != 0; --i)
            batch.push_back("a-key-that-may-be-long-" + std::to_string(random() % 40) + " " +
                            std::to_string(static_cast<int>(random() % 2000) - 1000) + " t" +
                            std::to_string(random() % 9));
    return lines;
}

const std::vector<ColumnSpec> kRandomColumns{
    {"key", Type::kText}, {"n", Type::kInt}, {"t", Type::kText}};

Aggregation allFunctions() {
    Aggregation how;
    how.key = {"key"};
    how.compute = {{"rows", "count()"},
                   {"sum", "sum(n)"},
                   {"least", "min(n)"},
                   {"most", "max(n)"},
                   {"first", "first(t)"},
                   {"last", "last(t)"},
                   {"different", "count(distinct t)"}};
    how.name = "groups";
    return how;
}

std::vector<std::string> sorted(std::vector<std::string> rows) {
    std::sort(rows.begin(), rows.end());
    return rows;
}

auto building(const Aggregation& how) {
    return [how](const DStream<std::string>& stream) {
        return tuples(orThrow(aggregate(read(stream, kRandomColumns), how)));
    };
}

TEST(RowAggregates, OfBatchesAreThoseOfANaiveProgram) {
    const auto lines = randomLines(6, 1);
    Batches expected;
    for (const auto& batch : lines) {
        Model model;
        for (const auto& line : batch) model.add(line);
        expected.emplace_back();
        for (const auto& [key, group] : model.groups) expected.back().push_back(model.tuple(key));
        expected.back() = sorted(expected.back());
    }
    expectAlsoWithKills(lines, expected, building(allFunctions()));
}

TEST(RowAggregates, RunningGroupsAreThoseOfANaiveProgram) {
    const auto lines = randomLines(7, 2);
    Batches expected;
    Model model;
    for (const auto& batch : lines) {
        std::map<std::string, bool> touched;
        for (const auto& line : batch) {
            model.add(line);
            touched[line.substr(0, line.find(' '))] = true;
        }
        expected.emplace_back();
        for (const auto& [key, yes] : touched) expected.back().push_back(model.tuple(key));
        expected.back() = sorted(expected.back());
    }
    auto how = allFunctions();
    how.running = true;
    expectAlsoWithKills(lines, expected, building(how));
}

// Also without objects, which are stored another way.
TEST(RowAggregates, WindowsAreThoseOfANaiveProgram) {
    const auto lines = randomLines(11, 3);
    const struct { int length, slide; } windows[] = {{1, 1}, {3, 1}, {3, 3}, {4, 2}};
    for (const auto [length, slide] : windows) {
        Batches expected;
        for (int end = 1; end <= static_cast<int>(lines.size()); ++end) {
            expected.emplace_back();
            if (end % slide != 0) continue;
            Model model;
            for (int i = std::max(0, end - length); i < end; ++i)
                for (const auto& line : lines[static_cast<std::size_t>(i)]) model.add(line);
            for (const auto& [key, group] : model.groups)
                expected.back().push_back(model.tuple(key));
            expected.back() = sorted(expected.back());
        }
        auto how = allFunctions();
        how.window = Duration(1000 * length);
        how.slide = Duration(1000 * slide);
        expectAlsoWithKills(lines, expected, building(how));
    }
}

TEST(RowAggregates, RecordsOfEverySizeComeThroughTasksAndState) {
    // 0, 8, 30 and 56 bytes beside the key.
    const std::vector<std::vector<std::pair<std::string, std::string>>> computes{
        {},
        {{"a", "count()"}},
        {{"a", "count()"}, {"b", "sum(n)"}, {"c", "max(n)"}},
        {{"a", "count()"},
         {"b", "sum(n)"},
         {"c", "max(n)"},
         {"d", "min(n)"},
         {"e", "first(n)"},
         {"f", "avg(n)"}}};
    const char* expected[] = {"(k)", "(k,3)", "(k,3,6,3)", "(k,3,6,3,1,1,2)"};
    for (std::size_t i = 0; i < computes.size(); ++i) {
        for (const bool running : {false, true}) {
            Aggregation how{{"key"}, computes[i]};
            how.running = running;
            how.name = "groups";
            const auto batches = aggregated({{"k 1 1", "k 2 1", "k 3 1"}}, how);
            EXPECT_EQ(batches[0], std::vector<std::string>{expected[i]}) << i << running;
        }
    }
}

TEST(RowAggregates, ApproximateOnesAreAsCloseAsTheySay) {
    std::vector<std::string> lines;
    for (int i = 0; i < 60'000; ++i)
        lines.push_back("a " + std::to_string(i % 20'000) + " " + std::to_string(i % 1000 + 1));
    const auto number = [](const std::string& tuple) {
        return std::stod(tuple.substr(1, tuple.size() - 2));
    };
    EXPECT_NEAR(number(one(lines, "approx_distinct(n)")), 20'000, 20'000 * 0.05);
    EXPECT_NEAR(number(one(lines, "approx_percentile(x, 0.95)")), 950, 950 * 0.011);
    EXPECT_NEAR(number(one(lines, "approx_percentile(x, 0.5)")), 500, 500 * 0.011);
}

TEST(RowAggregates, ManyDifferentValuesOfOneGroupAreNotCopiedForEachRow) {
    std::vector<std::string> lines;
    for (int i = 0; i < 50'000; ++i) lines.push_back("a " + std::to_string(i) + " 1");
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(one(lines, "count(distinct n)"), "(50000)");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

TEST(RowAggregates, WhatDoesNotFitIsRefusedWithTheColumn) {
    tidemill::test::Life life(inMemory());
    RecordQueue<std::string> queue;
    const auto rows = read(life.context().queueStream(queue));
    const auto refused = [&](const Aggregation& how) {
        const auto made = aggregate(rows, how);
        return made ? std::string("accepted") : made.error().message;
    };
    EXPECT_THAT(refused({{"kee"}, {}}), HasSubstr("kee"));
    EXPECT_THAT(refused({{"key"}, {{"a", "sum(key)"}}}), HasSubstr("\"key\" is of type text"));
    EXPECT_THAT(refused({{"key"}, {{"key", "count()"}}}), HasSubstr("\"key\""));
    EXPECT_THAT(refused({{"key"}, {{"a", "median(n)"}}}), HasSubstr("a = \"median(n)\""));
}

// One life over `data` that keeps running groups; empty when the job starts, else why not.
std::string startWith(const std::filesystem::path& data, std::int64_t second,
                      const Aggregation& how) {
    StreamingOptions options;
    options.directory = data;
    tidemill::test::Life life(options, fromMillis(1000 * second));
    RecordQueue<std::string> queue;
    queue.push({"a 1 1"});
    std::map<std::uint64_t, std::vector<std::string>> seen;
    life.collect(tuples(orThrow(aggregate(read(life.context().queueStream(queue)), how))), seen);
    try {
        life.start();
    } catch (const StreamingError& error) {
        return error.what();
    }
    life.run(1);
    life.context().stop(true);
    return {};
}

TEST(RowAggregates, AnotherKeyOrFunctionIsRefusedWithTheDifferenceAndNamesMayChange) {
    tidemill::test::TemporaryDirectory directory;
    Aggregation how{{"key"}, {{"rows", "count()"}, {"total", "sum(n)"}}};
    how.running = true;
    how.name = "groups";
    ASSERT_EQ(startWith(directory / "data", 0, how), "");
    how.compute = {{"how_many", "count()"}, {"of [\"n\"]", "sum(n)"}};
    EXPECT_EQ(startWith(directory / "data", 1, how), "");
    auto other = how;
    other.key = {"key", "n"};
    EXPECT_THAT(startWith(directory / "data", 2, other),
                HasSubstr("the difference: key=[\"key\" text] -> key=[\"key\" text, \"n\" int]"));
    other = how;
    other.compute[1].second = "max(n)";
    EXPECT_THAT(startWith(directory / "data", 2, other),
                HasSubstr("value=[count(), sum(\"n\" int)] -> value=[count(), max(\"n\" int)]"));
    EXPECT_EQ(startWith(directory / "data", 2, how), "");
}

}  // namespace
}  // namespace tidemill::rows::test
