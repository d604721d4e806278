// The operations on one batch at a time, with the expected data of Spark Streaming's own suite.
#include <gtest/gtest.h>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using Pair = std::pair<std::string, std::int64_t>;

const std::vector<std::vector<int>> kNumbers{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
const std::vector<std::vector<std::string>> kWords{{"a", "a", "b"}, {"", ""}, {}};

Batches sorted(Batches batches) {
    for (auto& batch : batches) std::sort(batch.begin(), batch.end());
    return batches;
}

TEST(Map, GivesOneElementForEach) {
    EXPECT_EQ(runBatches(kNumbers,
                         [](auto s) { return s.map([](int x) { return std::to_string(x); }); }),
              sorted({{"1", "2", "3", "4"}, {"5", "6", "7", "8"}, {"9", "10", "11", "12"}}));
}

TEST(FlatMap, GivesAnyNumberForEach) {
    const Batches expected = sorted({{"1", "2", "2", "4", "3", "6", "4", "8"},
                                     {"5", "10", "6", "12", "7", "14", "8", "16"},
                                     {"9", "18", "10", "20", "11", "22", "12", "24"}});
    EXPECT_EQ(runBatches(kNumbers,
                         [](auto s) {
                             return s.flatMap([](int x) { return std::vector<int>{x, 2 * x}; });
                         }),
              expected);
    EXPECT_EQ(runBatches(kNumbers,
                         [](auto s) {
                             return s.flatMap([](int x, Emit<int>& emit) {
                                 emit(x);
                                 emit(2 * x);
                             });
                         }),
              expected);
}

TEST(FlatMap, ManyElementsFromOneRecordAllArrive) {
    const auto batches = runBatches<int>({{5000, 1, 3000}}, [](auto s) {
        return s
            .flatMap([](int n, Emit<int>& emit) {
                for (int i = 0; i < n; ++i) emit(n);
            })
            .countByValue();
    });
    EXPECT_EQ(batches, sorted({{"(5000,5000)", "(1,1)", "(3000,3000)"}}));
}

TEST(FlatMap, StoredBytesOutliveTheCall) {
    const auto batches = runBatches<std::string>({{"ab", "cd"}}, [](auto s) {
        return s.template flatMap<std::string_view>(
            [](const std::string& x, Emit<std::string_view>& emit) {
                std::string twice = x + x;
                emit(emit.store(twice));
                twice.assign(4, '?');
            });
    });
    EXPECT_EQ(batches, sorted({{"abab", "cdcd"}}));
}

TEST(Filter, KeepsWhatThePredicateSays) {
    EXPECT_EQ(runBatches(kNumbers,
                         [](auto s) { return s.filter([](int x) { return x % 2 == 0; }); }),
              sorted({{"2", "4"}, {"6", "8"}, {"10", "12"}}));
}

TEST(ReduceByKey, ReducesEachKeyOfABatch) {
    const auto batches = runBatches(kWords, [](auto s) {
        return s.map([](const std::string& w) { return Pair(w, 1); }).reduceByKey(std::plus<>());
    });
    EXPECT_EQ(batches, sorted({{"(a,2)", "(b,1)"}, {"(,2)"}, {}}));
}

TEST(ReduceByKey, KeysOfEveryKindAndLength) {
    std::vector<std::string> words;
    for (std::size_t length = 0; length < 40; ++length)
        for (int i = 0; i < 3; ++i) words.push_back(std::string(length, 'x'));
    words.push_back(std::string("a\0b", 3));
    words.push_back("grün");
    const auto batches = runBatches<std::string>({words}, [](auto s) {
        return s.map([](const std::string& w) { return Pair(w, 1); }).reduceByKey(std::plus<>());
    });
    std::vector<std::string> expected{"(a\\x00b,1)", "(grün,1)"};
    for (std::size_t length = 0; length < 40; ++length)
        expected.push_back("(" + std::string(length, 'x') + ",3)");
    EXPECT_EQ(batches, sorted({expected}));
}

TEST(ReduceByKey, NumbersAsKeysAndStructsAsValues) {
    struct Range {
        int low, high;
    };
    const auto batches = runBatches<int>({{3, 8, 1, 12, 7}}, [](auto s) {
        return s.map([](int x) { return std::pair(std::int64_t{x % 2} - 1, Range{x, x}); })
            .reduceByKey([](const Range& a, const Range& b) {
                return Range{std::min(a.low, b.low), std::max(a.high, b.high)};
            })
            .map([](auto pair) {
                return std::tuple(pair.first, pair.second.low, pair.second.high);
            });
    });
    EXPECT_EQ(batches, sorted({{"(-1,8,12)", "(0,1,7)"}}));
}

TEST(ReduceByKey, ValuesThatOwnMemory) {
    const auto batches = runBatches<std::string>({{"a1", "b1", "a2"}, {"a3"}}, [](auto s) {
        return s
            .map([](const std::string& x) { return std::pair(x.substr(0, 1), x + std::string(40, '.')); })
            .reduceByKey([](const std::string& a, const std::string& b) { return a + b; })
            .map([](auto pair) { return std::pair(pair.first, pair.second.size()); });
    });
    EXPECT_EQ(batches, sorted({{"(a,84)", "(b,42)"}, {"(a,42)"}}));
}

TEST(CountByValue, CountsEachValue) {
    const auto batches = runBatches<int>({{1}, {1, 1, 1}, {1, 2}, {1, 1, 2, 2}},
                                         [](auto s) { return s.countByValue(); });
    EXPECT_EQ(batches,
              sorted({{"(1,1)"}, {"(1,3)"}, {"(1,1)", "(2,1)"}, {"(1,2)", "(2,2)"}}));
}

TEST(Batch, TakeMakesNoMoreThanAskedFor) {
    std::atomic<int> made = 0;
    std::vector<int> many(100'000, 7);
    Life life(inMemory());
    RecordQueue<int> queue;
    queue.push(many);
    std::size_t taken = 0;
    life.context()
        .queueStream(queue)
        .map([&](int x) {
            ++made;
            return x;
        })
        .forEachBatch([&](Batch<int>& batch) { taken = batch.take(3).size(); });
    life.start();
    life.run(1);
    life.context().stop();
    EXPECT_EQ(taken, 3u);
    EXPECT_LE(made, 3);
}

TEST(Batch, OneStreamFeedsSeveralShufflesAndOutputs) {
    std::map<std::uint64_t, std::vector<std::string>> counts, sums, raw;
    Life life(inMemory());
    RecordQueue<int> queue;
    queue.push({1, 2, 2});
    auto numbers = life.context().queueStream(queue);
    life.collect(numbers.countByValue(), counts);
    life.collect(numbers.map([](int x) { return std::pair(0, x); }).reduceByKey(std::plus<>()), sums);
    life.collect(numbers, raw);
    life.start();
    life.run(1);
    life.context().stop();
    EXPECT_EQ(counts[1], (std::vector<std::string>{"(1,1)", "(2,2)"}));
    EXPECT_EQ(sums[1], (std::vector<std::string>{"(0,5)"}));
    EXPECT_EQ(raw[1], (std::vector<std::string>{"1", "2", "2"}));
}

TEST(SplitWords, SplitsAtAsciiWhitespaceAndGivesNoEmptyWords) {
    std::map<std::uint64_t, std::vector<std::string>> words, filtered;
    const std::string text = "  to be\tor  not\r\nto\vbe\n\n \nlast";
    Life life(inMemory());
    auto lines = life.context().memoryTextStream(text);
    life.collect(lines.flatMap(splitWords), words);
    life.collect(lines.filter([](std::string_view) { return true; }).flatMap(splitWords), filtered);
    life.start();
    life.run(1);
    life.context().stop();
    const std::vector<std::string> expected{"be", "be", "last", "not", "or", "to", "to"};
    EXPECT_EQ(words[1], expected);
    EXPECT_EQ(filtered[1], expected);
}

}  // namespace
}  // namespace tidemill::test
