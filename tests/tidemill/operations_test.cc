// The operations on one batch at a time, with the expected data of Spark Streaming's own suite.
#include <gtest/gtest.h>

#include <numeric>

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
    EXPECT_EQ(
        runBatches(kNumbers, [](auto s) { return s.map([](int x) { return std::to_string(x); }); }),
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
    EXPECT_EQ(
        runBatches(kNumbers, [](auto s) { return s.filter([](int x) { return x % 2 == 0; }); }),
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
        return s.map([](int x) {
                    return std::pair(std::int64_t{x % 2} - 1, Range{x, x});
                })
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
            .map([](const std::string& x) {
                return std::pair(x.substr(0, 1), x + std::string(40, '.'));
            })
            .reduceByKey([](const std::string& a, const std::string& b) { return a + b; })
            .map([](auto pair) { return std::pair(pair.first, pair.second.size()); });
    });
    EXPECT_EQ(batches, sorted({{"(a,84)", "(b,42)"}, {"(a,42)"}}));
}

TEST(CountByValue, CountsEachValue) {
    const auto batches = runBatches<int>({{1}, {1, 1, 1}, {1, 2}, {1, 1, 2, 2}},
                                         [](auto s) { return s.countByValue(); });
    EXPECT_EQ(batches, sorted({{"(1,1)"}, {"(1,3)"}, {"(1,1)", "(2,1)"}, {"(1,2)", "(2,2)"}}));
}

TEST(Glom, GivesEachPartitionAsOneElement) {
    EXPECT_EQ(runBatches(kNumbers, [](auto s) { return s.repartition(2).glom(); }),
              (Batches{{"[1, 2]", "[3, 4]"}, {"[5, 6]", "[7, 8]"}, {"[11, 12]", "[9, 10]"}}));
}

TEST(MapPartitions, SeesAPartitionAtOnce) {
    EXPECT_EQ(
        runBatches(kNumbers,
                   [](auto s) {
                       return s.repartition(2).mapPartitions([](std::span<int> part) {
                           return std::vector<int>{std::accumulate(part.begin(), part.end(), 0)};
                       });
                   }),
        sorted({{"3", "7"}, {"11", "15"}, {"19", "23"}}));
}

TEST(Repartition, GivesAsManyPartitionsAsAskedForAlsoForFewElements) {
    EXPECT_EQ(runBatches<int>({{1}}, [](auto s) { return s.repartition(3).glom(); }),
              (Batches{{"[1]", "[]", "[]"}}));
}

TEST(GroupByKey, KeepsTheValuesOfAKeyTogether) {
    EXPECT_EQ(
        runBatches(kWords,
                   [](auto s) {
                       return s.map([](const std::string& w) { return Pair(w, 1); }).groupByKey();
                   }),
        sorted({{"(a,[1, 1])", "(b,[1])"}, {"(,[1, 1])"}, {}}));
}

TEST(MapValues, ChangesValuesOnly) {
    const auto counts = [](auto s) {
        return s.map([](const std::string& w) { return Pair(w, 1); }).reduceByKey(std::plus<>());
    };
    EXPECT_EQ(runBatches(kWords,
                         [&](auto s) {
                             return counts(s).mapValues([](std::int64_t v) { return v + 10; });
                         }),
              sorted({{"(a,12)", "(b,11)"}, {"(,12)"}, {}}));
    EXPECT_EQ(runBatches(kWords,
                         [&](auto s) {
                             return counts(s).flatMapValues([](std::int64_t v) {
                                 return std::vector<std::int64_t>{v, v + 10};
                             });
                         }),
              sorted({{"(a,2)", "(a,12)", "(b,1)", "(b,11)"}, {"(,2)", "(,12)"}, {}}));
}

TEST(Reduce, GivesOneElementAndNoneForAnEmptyBatch) {
    EXPECT_EQ(runBatches(kNumbers, [](auto s) { return s.reduce(std::plus<>()); }),
              (Batches{{"10"}, {"26"}, {"42"}}));
    EXPECT_EQ(runBatches<int>({{}, {7}}, [](auto s) { return s.reduce(std::plus<>()); }),
              (Batches{{}, {"7"}}));
}

TEST(Count, GivesAlwaysOneElement) {
    EXPECT_EQ(runBatches<int>({{}, {1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}},
                              [](auto s) { return s.count(); }),
              (Batches{{"0"}, {"1"}, {"2"}, {"3"}, {"4"}}));
}

TEST(CombineByKey, CombinesValuesToAnotherType) {
    EXPECT_EQ(runBatches(kWords,
                         [](auto s) {
                             return s.map([](const std::string& w) { return Pair(w, 3); })
                                 .combineByKey(
                                     [](std::int64_t v) { return std::to_string(v); },
                                     [](std::string c, std::int64_t v) {
                                         return c + "+" + std::to_string(v);
                                     },
                                     [](std::string a, std::string b) { return a + "|" + b; });
                         }),
              sorted({{"(a,3+3)", "(b,3)"}, {"(,3+3)"}, {}}));
}

TEST(PartitionBy, ChangesNoPairs) {
    EXPECT_EQ(
        runBatches(kWords,
                   [](auto s) {
                       return s.map([](const std::string& w) { return Pair(w, 1); }).partitionBy();
                   }),
        sorted({{"(a,1)", "(a,1)", "(b,1)"}, {"(,1)", "(,1)"}, {}}));
}

TEST(UnionWith, GivesTheElementsOfBoth) {
    EXPECT_EQ(
        runBatches<int>({{1, 2, 3, 4}, {101, 102, 103, 104}},
                        [](auto s) { return s.unionWith(s.map([](int x) { return x + 4; })); }),
        sorted({{"1", "2", "3", "4", "5", "6", "7", "8"},
                {"101", "102", "103", "104", "105", "106", "107", "108"}}));
}

TEST(UnionWith, FeedsAShuffleFromBothSides) {
    EXPECT_EQ(runBatches<int>({{1, 2}},
                              [](auto s) { return s.unionWith(s.unionWith(s)).countByValue(); }),
              (Batches{{"(1,3)", "(2,3)"}}));
}

TEST(Transform, IsAnyFunctionOfABatch) {
    EXPECT_EQ(runBatches<int>({{3, 1, 2}, {}},
                              [](auto s) {
                                  return s.transform([](Batch<int>& batch, BatchTime time) {
                                      auto all = batch.collect();
                                      std::sort(all.begin(), all.end());
                                      std::vector<std::pair<std::int64_t, int>> ranked;
                                      for (int x : all) ranked.emplace_back(toMillis(time), x);
                                      return ranked;
                                  });
                              }),
              (Batches{{"(1000,1)", "(1000,2)", "(1000,3)"}, {}}));
}

TEST(TransformWith, SeesTheBatchesOfTwoStreams) {
    EXPECT_EQ(runBatches<int>({{3, 1, 2}},
                              [](auto s) {
                                  return s.transformWith(
                                      s.count(), [](Batch<int>& a, Batch<std::int64_t>& b) {
                                          return std::vector<std::int64_t>{
                                              std::int64_t(a.count()) * 10 + b.collect()[0]};
                                      });
                              }),
              (Batches{{"33"}}));
}

// D1 and D2 of the two-stream rows: words of one queue and of another, as (w, 1) and (w, x).
template <class Build>
Batches runTwo(const std::vector<std::vector<std::string>>& first,
               const std::vector<std::vector<std::string>>& second, Build build) {
    std::map<std::uint64_t, std::vector<std::string>> seen;
    Life life(inMemory());
    RecordQueue<std::string> a, b;
    for (const auto& input : first) a.push(input);
    for (const auto& input : second) b.push(input);
    auto left = life.context().queueStream(a).map([](const std::string& w) { return Pair(w, 1); });
    auto right = life.context().queueStream(b).map(
        [](const std::string& w) { return std::pair(w, std::string("x")); });
    life.collect(build(left, right), seen);
    life.start();
    life.run(first.size());
    life.context().stop();
    Batches batches;
    for (auto& [id, elements] : seen) batches.push_back(std::move(elements));
    return batches;
}

const std::vector<std::vector<std::string>> kD1{{"a", "b"}, {"a", ""}, {""}, {}};
const std::vector<std::vector<std::string>> kD2{{"a", "b"}, {"b", ""}, {}, {""}};

TEST(Join, PairsTheValuesOfEqualKeys) {
    EXPECT_EQ(runTwo(kD1, kD2, [](auto l, auto r) { return l.join(r); }),
              sorted({{"(a,(1,x))", "(b,(1,x))"}, {"(,(1,x))"}, {}, {}}));
}

TEST(OuterJoins, KeepTheKeysOfOneOrBothSides) {
    EXPECT_EQ(runTwo(kD1, kD2, [](auto l, auto r) { return l.leftOuterJoin(r); }),
              sorted({{"(a,(1,Some(x)))", "(b,(1,Some(x)))"},
                      {"(,(1,Some(x)))", "(a,(1,None))"},
                      {"(,(1,None))"},
                      {}}));
    EXPECT_EQ(runTwo(kD1, kD2, [](auto l, auto r) { return l.rightOuterJoin(r); }),
              sorted({{"(a,(Some(1),x))", "(b,(Some(1),x))"},
                      {"(,(Some(1),x))", "(b,(None,x))"},
                      {},
                      {"(,(None,x))"}}));
    EXPECT_EQ(runTwo(kD1, kD2, [](auto l, auto r) { return l.fullOuterJoin(r); }),
              sorted({{"(a,(Some(1),Some(x)))", "(b,(Some(1),Some(x)))"},
                      {"(,(Some(1),Some(x)))", "(a,(Some(1),None))", "(b,(None,Some(x)))"},
                      {"(,(Some(1),None))"},
                      {"(,(None,Some(x)))"}}));
}

TEST(Cogroup, GivesTheValuesOfBothSides) {
    EXPECT_EQ(runTwo({{"a", "a", "b"}, {"a", ""}, {""}, {}}, {{"a", "a", "b"}, {"b", ""}, {}, {}},
                     [](auto l, auto r) { return l.cogroup(r); }),
              sorted({{"(a,([1, 1],[x, x]))", "(b,([1],[x]))"},
                      {"(a,([1],[]))", "(b,([],[x]))", "(,([1],[x]))"},
                      {"(,([1],[]))"},
                      {}}));
}

TEST(Persist, IsComputedOncePerBatchHoweverManyReadIt) {
    std::atomic<int> calls = 0;
    std::map<std::uint64_t, std::vector<std::string>> first, second;
    Life life(inMemory());
    RecordQueue<int> queue;
    queue.push({1, 2, 3});
    auto once = life.context()
                    .queueStream(queue)
                    .map([&](int x) {
                        ++calls;
                        return x;
                    })
                    .persist();
    life.collect(once, first);
    life.collect(once.map([](int x) { return -x; }), second);
    life.start();
    life.run(1);
    life.context().stop();
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(first[1], (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(second[1], (std::vector<std::string>{"-1", "-2", "-3"}));
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
    life.collect(numbers.map([](int x) { return std::pair(0, x); }).reduceByKey(std::plus<>()),
                 sums);
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
