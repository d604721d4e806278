// State that outlives a batch, with the expected data of Spark Streaming's own suite.
#include <gtest/gtest.h>

#include <fstream>
#include <numeric>
#include <sstream>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using Words = std::vector<std::vector<std::string>>;

const Words kUpdates{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b"}, {"a"}, {}};

std::optional<std::int64_t> add(std::span<const std::int64_t> values,
                                std::optional<std::int64_t> before) {
    std::int64_t sum = before.value_or(0);
    for (const auto value : values) sum += value;
    return sum;
}

auto ones(DStream<std::string> words) {
    return words.map(
        [](const std::string& w) { return std::pair<std::string, std::int64_t>(w, 1); });
}

TEST(UpdateStateByKey, VisitsEveryKeyInEveryBatch) {
    EXPECT_EQ(runBatches(kUpdates,
                         [](auto s) {
                             return ones(s).template updateStateByKey<std::int64_t>("sum", add);
                         }),
              (Batches{{"(a,1)"},
                       {"(a,2)", "(b,1)"},
                       {"(a,3)", "(b,2)", "(c,1)"},
                       {"(a,4)", "(b,3)", "(c,1)"},
                       {"(a,5)", "(b,3)", "(c,1)"},
                       {"(a,5)", "(b,3)", "(c,1)"}}));
}

TEST(UpdateStateByKey, OnlyTouchedKeysAreVisitedWhenAskedFor) {
    std::atomic<int> calls = 0;
    const auto counting = [&](std::span<const std::int64_t> values,
                              std::optional<std::int64_t> before) {
        ++calls;
        EXPECT_FALSE(values.empty());
        return add(values, before);
    };
    EXPECT_EQ(runBatches(kUpdates,
                         [&](auto s) {
                             return ones(s).template updateStateByKey<std::int64_t>(
                                 "sum", counting, Visit::kTouchedKeys);
                         }),
              (Batches{{"(a,1)"},
                       {"(a,2)", "(b,1)"},
                       {"(a,3)", "(b,2)", "(c,1)"},
                       {"(a,4)", "(b,3)"},
                       {"(a,5)"},
                       {}}));
    EXPECT_EQ(calls, 9);
}

TEST(UpdateStateByKey, AnEmptyResultRemovesTheKey) {
    for (const auto visit : {Visit::kEveryKey, Visit::kTouchedKeys}) {
        const auto untilTwo =
            [](std::span<const std::int64_t> values,
               std::optional<std::int64_t> before) -> std::optional<std::int64_t> {
            const auto sum = add(values, before);
            if (*sum >= 2) return std::nullopt;
            return sum;
        };
        EXPECT_EQ(runBatches<std::string>({{"a"}, {"a", "b"}, {"a"}},
                                          [&](auto s) {
                                              return ones(s)
                                                  .template updateStateByKey<std::int64_t>(
                                                      "sum", untilTwo, visit)
                                                  .all();
                                          }),
                  (Batches{{"(a,1)"}, {"(b,1)"}, {"(a,1)", "(b,1)"}}));
    }
}

TEST(UpdateStateByKey, StatesMayBeAnythingCerealCanStore) {
    const auto remember = [](std::span<const std::int64_t> values,
                             std::optional<std::vector<std::int64_t>> before) {
        auto all = before.value_or(std::vector<std::int64_t>());
        all.push_back(static_cast<std::int64_t>(values.size()));
        return std::optional(all);
    };
    EXPECT_EQ(runBatches<std::string>(
                  {{"a", "a"}, {"b"}, {"a"}},
                  [&](auto s) {
                      return ones(s).template updateStateByKey<std::vector<std::int64_t>>("sizes",
                                                                                          remember);
                  }),
              (Batches{{"(a,[2])"}, {"(a,[2, 0])", "(b,[1])"}, {"(a,[2, 0, 1])", "(b,[1, 0])"}}));
}

TEST(RunningTotals, HoldsTheKeysTouchedWithTheirTotals) {
    EXPECT_EQ(runBatches(kUpdates, [](auto s) { return ones(s).runningTotals("totals"); }),
              (Batches{{"(a,1)"},
                       {"(a,2)", "(b,1)"},
                       {"(a,3)", "(b,2)", "(c,1)"},
                       {"(a,4)", "(b,3)"},
                       {"(a,5)"},
                       {}}));
}

TEST(RunningTotals, AllHoldsEveryKey) {
    EXPECT_EQ(runBatches(kUpdates, [](auto s) { return ones(s).runningTotals("totals").all(); }),
              (Batches{{"(a,1)"},
                       {"(a,2)", "(b,1)"},
                       {"(a,3)", "(b,2)", "(c,1)"},
                       {"(a,4)", "(b,3)", "(c,1)"},
                       {"(a,5)", "(b,3)", "(c,1)"},
                       {"(a,5)", "(b,3)", "(c,1)"}}));
}

TEST(RunningTotals, ChangesStayWithinTheBudgetWithoutADirectoryToo) {
    std::vector<std::size_t> held;
    for (const std::size_t budgetBytes : {1u << 20, 256u << 20}) {
        auto options = inMemory();
        options.deltaBudgetBytes = budgetBytes;
        Life life(std::move(options));
        RecordQueue<std::int64_t> queue;
        std::vector<std::int64_t> numbers(40'000);
        std::iota(numbers.begin(), numbers.end(), 0);
        queue.push(std::move(numbers));
        std::ostringstream out;
        const auto ones = life.context().queueStream(queue).map(
            [](std::int64_t x) { return std::pair<std::int64_t, std::int64_t>(x, 1); });
        ones.runningTotals("totals").print(10, out);
        life.start();
        life.run(1);
        held.push_back(life.context().status().deltaBytes);
        life.context().stop();
    }
    EXPECT_LT(held[0], 1u << 20);
    EXPECT_GT(held[1], 1u << 20);
}

TEST(RunningTotals, DoublesAreAddedToo) {
    EXPECT_EQ(
        runBatches<double>(
            {{0.5, 0.25}, {1.0}},
            [](auto s) {
                return s.map([](double x) { return std::pair(1, x); }).runningTotals("totals");
            }),
        (Batches{{"(1,0.75)"}, {"(1,1.75)"}}));
}

// One life on a directory: runs `inputs`, then ends gracefully or as a crash would end it.
template <class Build>
void live(const StreamingOptions& options, const Words& inputs, std::int64_t startMillis,
          std::map<std::uint64_t, std::vector<std::string>>& seen, bool graceful, Build build) {
    Life life(options, fromMillis(startMillis));
    RecordQueue<std::string> queue;
    for (const auto& input : inputs) queue.push(input);
    life.collect(build(life.context().queueStream(queue)), seen);
    life.start();
    life.run(inputs.size());
    life.context().stop(graceful);
}

StreamingOptions durable(const TemporaryDirectory& directory, unsigned workers = 2) {
    StreamingOptions options;
    options.directory = directory / "data";
    options.workers = workers;
    options.checkpointInterval = Duration(2000);
    return options;
}

TEST(Recovery, UpdateStateByKeyGoesOnExactlyAfterACrash) {
    for (const unsigned workers : {1u, 2u, 7u}) {
        TemporaryDirectory directory;
        std::map<std::uint64_t, std::vector<std::string>> seen;
        const auto sum = [](auto s) {
            return ones(s).template updateStateByKey<std::int64_t>("sum", add);
        };
        live(durable(directory), Words(7, {"a"}), 0, seen, false, sum);
        live(durable(directory, workers), Words(3, {"a"}), 7000, seen, true, sum);
        ASSERT_EQ(seen.size(), 10u);
        for (const auto& [id, elements] : seen)
            EXPECT_EQ(elements, (std::vector<std::string>{"(a," + std::to_string(id) + ")"}));
    }
}

TEST(Recovery, TotalsGoOnExactlyAfterAGracefulStop) {
    TemporaryDirectory directory;
    std::map<std::uint64_t, std::vector<std::string>> seen;
    const auto totals = [](auto s) { return ones(s).runningTotals("totals").all(); };
    live(durable(directory), {{"a", "b"}, {"a"}}, 0, seen, true, totals);
    live(durable(directory), {{"c"}, {"a"}}, 2000, seen, true, totals);
    EXPECT_EQ(seen[2], (std::vector<std::string>{"(a,2)", "(b,1)"}));
    EXPECT_EQ(seen[3], (std::vector<std::string>{"(a,2)", "(b,1)", "(c,1)"}));
    EXPECT_EQ(seen[4], (std::vector<std::string>{"(a,3)", "(b,1)", "(c,1)"}));
}

TEST(Recovery, FilesOfEachBatchAppearOnceAndWhole) {
    TemporaryDirectory directory;
    const Words inputs{{"a", "a", "b"}, {"", ""}, {}, {"a", "a", "b"}, {"", ""}, {}};
    const auto run = [&](Words part, std::int64_t startMillis, bool graceful) {
        Life life(durable(directory), fromMillis(startMillis));
        RecordQueue<std::string> queue;
        for (const auto& input : part) queue.push(input);
        ones(life.context().queueStream(queue))
            .reduceByKey(std::plus<>())
            .saveAsTextFiles((directory / "counts").string(), "txt");
        life.start();
        life.run(part.size());
        life.context().stop(graceful);
    };
    run({inputs.begin(), inputs.begin() + 3}, 0, false);
    run({inputs.begin() + 3, inputs.end()}, 3000, true);
    const std::vector<std::vector<std::string>> expected{{"(a,2)", "(b,1)"}, {"(,2)"}, {}};
    for (int batch = 1; batch <= 6; ++batch) {
        const auto path = directory / ("counts-" + std::to_string(batch * 1000) + ".txt");
        ASSERT_TRUE(std::filesystem::exists(path / "_SUCCESS")) << path;
        std::vector<std::string> lines;
        for (const auto& part : std::filesystem::directory_iterator(path)) {
            if (part.path().filename() == ".tidemill") continue;
            std::ifstream file(part.path());
            for (std::string line; std::getline(file, line);) lines.push_back(line);
        }
        std::sort(lines.begin(), lines.end());
        EXPECT_EQ(lines, expected[static_cast<std::size_t>(batch - 1) % 3]) << path;
    }
}

TEST(Recovery, ANewDirectoryRefusesAPrefixUnderWhichResultsExist) {
    TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "counts-5000");
    StreamingContext context(durable(directory));
    RecordQueue<std::string> queue;
    context.queueStream(queue).saveAsTextFiles((directory / "counts").string());
    EXPECT_THROW(context.start(), StreamingError);
}

TEST(Recovery, APrefixInAMissingDirectoryIsRefusedByName) {
    TemporaryDirectory directory;
    StreamingContext context(durable(directory));
    RecordQueue<std::string> queue;
    const auto prefix = (directory / "none").string() + "/counts";
    context.queueStream(queue).saveAsTextFiles(prefix);
    try {
        context.start();
        FAIL() << "started";
    } catch (const StreamingError& error) {
        EXPECT_NE(std::string(error.what()).find("prefix=" + prefix), std::string::npos)
            << error.what();
    }
}

TEST(Recovery, AChangedStateTypeIsRefusedAndNothingIsLost) {
    TemporaryDirectory directory;
    std::map<std::uint64_t, std::vector<std::string>> seen;
    const auto totals = [](auto s) { return ones(s).runningTotals("totals").all(); };
    live(durable(directory), {{"a"}}, 0, seen, true, totals);
    {
        Life life(durable(directory), fromMillis(1000));
        RecordQueue<std::string> queue;
        life.context()
            .queueStream(queue)
            .map([](const std::string& w) { return std::pair(w, 1.0); })
            .runningTotals("totals");
        try {
            life.start();
            FAIL() << "started";
        } catch (const StreamingError& error) {
            EXPECT_EQ(error.kind(), core::ErrorKind::kConflict);
            EXPECT_NE(std::string(error.what()).find("incompatible  totals"), std::string::npos)
                << error.what();
        }
    }
    live(durable(directory), {{"a"}}, 2000, seen, true, totals);
    EXPECT_EQ(seen[2], (std::vector<std::string>{"(a,2)"}));
}

TEST(Recovery, TwoStatesOfOneNameAreRefused) {
    StreamingContext context(inMemory());
    RecordQueue<std::string> queue;
    auto counts = ones(context.queueStream(queue));
    counts.runningTotals("totals");
    counts.runningTotals("totals");
    EXPECT_THROW(context.start(), StreamingError);
}

}  // namespace
}  // namespace tidemill::test
