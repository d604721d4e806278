// Windows, with the expected data of Spark Streaming's own suite; every keyed one with kills too.
#include "tests/tidemill/window_data.h"

namespace tidemill::test {
namespace {

TEST(Window, HoldsTheElementsOfItsBatches) {
    const Words inputs{{"0"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}};
    expectAlsoWithKills(inputs, {{"0"}, {"0", "1"}, {"1", "2"}, {"2", "3"}, {"3", "4"}, {"4", "5"}},
                        [](auto s) { return s.window(2s, 1s); });
    expectAlsoWithKills(inputs, {{}, {"0", "1"}, {}, {"2", "3"}, {}, {"4", "5"}},
                        [](auto s) { return s.window(2s, 2s); });
}

TEST(Window, MayBeLongerThanItsSlideByNoWholeNumber) {
    const Words inputs{{"0"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}};
    expectAlsoWithKills(inputs, {{}, {"0", "1"}, {}, {"1", "2", "3"}, {}, {"3", "4", "5"}},
                        [](auto s) { return s.window(3s, 2s); });
    expectAlsoWithKills({{"a"}, {"b"}, {"a"}, {"a"}, {}, {}, {}, {}},
                        {{}, {"(a,1)", "(b,1)"}, {}, {"(a,2)", "(b,1)"}, {}, {"(a,1)"}, {}, {}},
                        [](auto s) { return ones(s).reduceByKeyAndWindow(kPlus, 3s, 2s); });
}

TEST(Window, ViewsAndPairsOfThemAreOwned) {
    const std::string text = "to be\nor not\nto be\n";
    Seen seen, pairs;
    Life life(inMemory());
    const auto words = life.context().memoryTextStream(text, 6).flatMap(splitWords);
    life.collect(words.window(2s), seen);
    life.collect(words.map([](std::string_view w) { return std::pair(w, w.size()); }).window(2s),
                 pairs);
    life.start();
    life.run(3);
    life.context().stop();
    EXPECT_EQ(seen[2], (std::vector<std::string>{"be", "not", "or", "to"}));
    EXPECT_EQ(seen[3], (std::vector<std::string>{"be", "not", "or", "to"}));
    EXPECT_EQ(pairs[1], (std::vector<std::string>{"(be,2)", "(to,2)"}));
}

TEST(ReduceByKeyAndWindow, KeysMayBeViews) {
    const std::string text = "to be\nor not\nto be\n";
    Seen plain, inverse, grouped;
    Life life(inMemory());
    const auto words = life.context().memoryTextStream(text, 6).flatMap(splitWords);
    const auto pairs = words.map([](std::string_view w) { return std::pair(w, std::int64_t{1}); });
    life.collect(pairs.reduceByKeyAndWindow(kPlus, 3s), plain);
    life.collect(words.countByValueAndWindow(2s), inverse);
    life.collect(words.map([](std::string_view w) { return std::pair(w.substr(0, 1), w); })
                     .groupByKeyAndWindow(3s),
                 grouped);
    life.start();
    life.run(4);
    life.context().stop();
    EXPECT_EQ(plain[3], (std::vector<std::string>{"(be,2)", "(not,1)", "(or,1)", "(to,2)"}));
    EXPECT_EQ(inverse[2], (std::vector<std::string>{"(be,1)", "(not,1)", "(or,1)", "(to,1)"}));
    EXPECT_EQ(inverse[4], (std::vector<std::string>{"(be,1)", "(to,1)"}));
    EXPECT_EQ(grouped[3],
              (std::vector<std::string>{"(b,[be, be])", "(n,[not])", "(o,[or])", "(t,[to, to])"}));
}

TEST(Window, HoldsBothSidesOfAUnion) {
    EXPECT_EQ(
        runBatches(
            Words{{"a"}, {"b"}},
            [](auto s) {
                return s.unionWith(s.map([](const std::string& w) { return w + w; })).window(2s);
            }),
        (Batches{{"a", "aa"}, {"a", "aa", "b", "bb"}}));
}

TEST(Window, MayBeOverAWindow) {
    EXPECT_EQ(runBatches(Words{{"0"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}, {"6"}, {"7"}},
                         [](auto s) { return s.window(2s, 2s).window(4s, 4s); }),
              (Batches{{}, {}, {}, {"0", "1", "2", "3"}, {}, {}, {}, {"4", "5", "6", "7"}}));
}

TEST(ReduceByKeyAndWindow, CountsKeysInTheWindow) {
    const auto plain = [](auto s) { return ones(s).reduceByKeyAndWindow(kPlus, 2s, 1s); };
    EXPECT_EQ(runBatches(Words{{"a"}, {"a"}}, plain), (Batches{{"(a,1)"}, {"(a,2)"}}));
    EXPECT_EQ(runBatches(Words{{"a"}, {"a", "b"}}, plain),
              (Batches{{"(a,1)"}, {"(a,2)", "(b,1)"}}));
    EXPECT_EQ(runBatches(Words{{"a"}, {"a"}, {}, {}}, plain),
              (Batches{{"(a,1)"}, {"(a,2)"}, {"(a,1)"}, {}}));
    expectAlsoWithKills(kBig, kBigCounts, plain);
}

TEST(ReduceByKeyAndWindow, WithAnInverseAKeyStaysWithoutAFilter) {
    const auto inverse = [](auto s) { return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 2s, 1s); };
    expectAlsoWithKills({{"a"}, {"a"}, {}, {}, {}},
                        {{"(a,1)"}, {"(a,2)"}, {"(a,1)"}, {"(a,0)"}, {"(a,0)"}}, inverse);
}

TEST(ReduceByKeyAndWindow, WithAnInverseAndAFilterItIsLikeThePlainOne) {
    expectAlsoWithKills(kBig, kBigCounts, [](auto s) {
        return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 2s, 1s, kNotZero);
    });
}

TEST(ReduceByKeyAndWindow, AFilterThatHoldsForZeroKeepsTheKey) {
    const auto notB = [](const Count& count) { return count.second != 0 || count.first != "b"; };
    Words inputs(40);
    Batches expected(40, {"(a,0)"});
    inputs[0] = {"a", "b"};
    expected[0] = {"(a,1)", "(b,1)"};
    EXPECT_EQ(runBatches(inputs,
                         [&](auto s) {
                             return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 1s, 1s, notB);
                         }),
              expected);
}

TEST(ReduceByKeyAndWindow, AFilterHidesAKeyAndForgetsNothingThatIsInTheWindow) {
    const auto several = [](const Count& count) { return count.second > 1; };
    const Words inputs{{"a"}, {"a"}, {"b"}, {"a", "b"}, {}, {}, {"a"}, {"a"}};
    const Batches expected{{}, {"(a,2)"}, {}, {"(b,2)"}, {}, {}, {}, {"(a,2)"}};
    // Sums are kept in another form than what functions that nobody knows reduce.
    const auto plus = [](std::int64_t a, std::int64_t b) { return a + b; };
    const auto minus = [](std::int64_t a, std::int64_t b) { return a - b; };
    expectAlsoWithKills(inputs, expected, [&](auto s) {
        return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 2s, 1s, several);
    });
    expectAlsoWithKills(inputs, expected, [&](auto s) {
        return ones(s).reduceByKeyAndWindow(plus, minus, 2s, 1s, several);
    });
}

TEST(ReduceByKeyAndWindow, WhatCancelsOutIsNotForgotten) {
    const auto plus = [](std::int64_t a, std::int64_t b) { return a + b; };
    const auto minus = [](std::int64_t a, std::int64_t b) { return a - b; };
    const auto signedOnes = [](auto s) {
        return s.map(
            [](const std::string& w) { return Count(w.substr(1), w.front() == '-' ? -1 : 1); });
    };
    const Words inputs{{"+a"}, {"-a"}, {}, {}};
    const Batches expected{{"(a,1)"}, {}, {"(a,-1)"}, {}};
    EXPECT_EQ(runBatches(inputs,
                         [&](auto s) {
                             return signedOnes(s).reduceByKeyAndWindow(kPlus, kMinus, 2s, 1s,
                                                                       kNotZero);
                         }),
              expected);
    EXPECT_EQ(runBatches(inputs,
                         [&](auto s) {
                             return signedOnes(s).reduceByKeyAndWindow(plus, minus, 2s, 1s,
                                                                       kNotZero);
                         }),
              expected);
}

TEST(ReduceByKeyAndWindow, SumsOfKeysThatNeverComeBackAreForgotten) {
    constexpr int kBatches = 200, kNew = 100;
    Words inputs(kBatches);
    for (int i = 0; i < kBatches * kNew; ++i)
        inputs[static_cast<std::size_t>(i / kNew)].push_back(std::to_string(i));
    // Every result asks the filter about each row of the table.
    auto rows = std::make_shared<std::atomic<int>>(0);
    const auto seen = runBatches(inputs, [&](auto s) {
        return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 4s, 1s, [rows](const Count& count) {
            ++*rows;
            return count.second != 0;
        });
    });
    EXPECT_EQ(seen.back().size(), 4u * kNew);
    EXPECT_LT(*rows / kBatches, 20 * kNew);
}

TEST(ReduceByKeyAndWindow, TheFilterJudgesWhatASlideComesTo) {
    // In between, the one that leaves takes the sum through zero.
    expectAlsoWithKills({{"a"}, {"a"}, {"a"}}, {{"(a,1)"}, {"(a,1)"}, {"(a,1)"}}, [](auto s) {
        return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 1s, 1s, kNotZero);
    });
}

TEST(ReduceByKeyAndWindow, GoesOnExactlyAfterAKill) {
    TemporaryDirectory directory;
    Seen seen;
    for (const auto& [begin, end] : {std::pair(0, 7), std::pair(7, 10)}) {
        StreamingOptions options;
        options.directory = directory / "data";
        options.checkpointInterval = Duration(2000);
        Life life(options, fromMillis(1000 * begin));
        RecordQueue<std::string> queue;
        for (int i = begin; i < end; ++i) queue.push({"a"});
        life.collect(
            ones(life.context().queueStream(queue)).reduceByKeyAndWindow(kPlus, kMinus, 4s, 1s),
            seen);
        life.start();
        life.run(static_cast<std::size_t>(end - begin));
        life.context().stop(false);
    }
    ASSERT_EQ(seen.size(), 10u);
    for (const auto& [id, elements] : seen)
        EXPECT_EQ(elements, (std::vector<std::string>{
                                "(a," + std::to_string(std::min<std::uint64_t>(id, 4)) + ")"}));
}

TEST(ReduceByKeyAndWindow, WindowsSlideOverSeveralBatches) {
    const Words inputs{{"a"}, {"a", "b"}, {"b"}, {}, {"c"}, {"a"}, {}, {}};
    const Batches expected{{}, {"(a,2)", "(b,1)"},          {}, {"(a,2)", "(b,2)"},
                           {}, {"(a,1)", "(b,1)", "(c,1)"}, {}, {"(a,1)", "(c,1)"}};
    expectAlsoWithKills(inputs, expected,
                        [](auto s) { return ones(s).reduceByKeyAndWindow(kPlus, 4s, 2s); });
    expectAlsoWithKills(inputs, expected, [](auto s) {
        return ones(s).reduceByKeyAndWindow(kPlus, kMinus, 4s, 2s, kNotZero);
    });
}

TEST(ReduceByKeyAndWindow, TumblingWindowsBeginAnew) {
    expectAlsoWithKills({{"a"}, {"a", "b"}, {"c"}, {}, {}, {}, {"a"}, {"a"}},
                        {{}, {"(a,2)", "(b,1)"}, {}, {"(c,1)"}, {}, {}, {}, {"(a,2)"}},
                        [](auto s) { return ones(s).reduceByKeyAndWindow(kPlus, 2s, 2s); });
}

TEST(ReduceByKeyAndWindow, APaneOfManyBatchesKeepsTheirOrder) {
    const int batches = 40;
    Words inputs(batches);
    std::string all;
    for (int i = 0; i < batches; ++i) {
        inputs[static_cast<std::size_t>(i)] = {"a" + std::to_string(i) + "."};
        all += inputs[static_cast<std::size_t>(i)].front();
    }
    Batches expected(batches);
    expected.back() = {"(a," + all + ")"};
    EXPECT_EQ(
        runBatches(inputs, [](auto s) { return joined(s).reduceByKeyAndWindow(kJoin, 40s, 40s); }),
        expected);
    EXPECT_EQ(
        runBatches(inputs, [](auto s) { return joined(s).reduceByKeyAndWindow(kJoin, 80s, 40s); }),
        expected);
}

TEST(ReduceByWindow, ReducesAllElements) {
    const std::vector<std::vector<int>> numbers{{1, 2}, {3}, {}, {}, {4}};
    const auto maximum = [](int a, int b) { return std::max(a, b); };
    EXPECT_EQ(runBatches(numbers, [&](auto s) { return s.reduceByWindow(maximum, 2s, 1s); }),
              (Batches{{"2"}, {"3"}, {"3"}, {}, {"4"}}));
    EXPECT_EQ(runBatches(numbers,
                         [&](auto s) {
                             return s.reduceByWindow(std::plus<int>(), std::minus<int>(), 2s, 1s);
                         }),
              (Batches{{"3"}, {"6"}, {"3"}, {"0"}, {"4"}}));
}

TEST(ReduceByWindow, GoesOnExactlyAfterKills) {
    const auto longest = [](const std::string& a, const std::string& b) {
        return a.size() >= b.size() ? a : b;
    };
    expectAlsoWithKills({{"1", "22"}, {"3"}, {}, {}, {"4"}}, {{"22"}, {"22"}, {"3"}, {}, {"4"}},
                        [&](auto s) { return s.reduceByWindow(longest, 2s, 1s); });
    const auto lengths = [](auto s) {
        return s.map([](const std::string& word) { return static_cast<int>(word.size()); });
    };
    expectAlsoWithKills(
        {{"1", "22"}, {"3"}, {}, {}, {"4"}}, {{"3"}, {"4"}, {"1"}, {"0"}, {"1"}}, [&](auto s) {
            return lengths(s).reduceByWindow(std::plus<int>(), std::minus<int>(), 2s, 1s);
        });
}

TEST(CountByWindow, BeginsWithTheFirstDataAndCountsEmptyWindows) {
    expectAlsoWithKills({{}, {"x"}, {"x", "y"}, {}, {}, {"z"}},
                        {{}, {"1"}, {"3"}, {"2"}, {"0"}, {"1"}},
                        [](auto s) { return s.countByWindow(2s, 1s); });
}

TEST(CountByValueAndWindow, DropsWhatIsNoLongerThere) {
    expectAlsoWithKills(kBig, kBigCounts, [](auto s) { return s.countByValueAndWindow(2s, 1s); });
}

TEST(GroupByKeyAndWindow, KeepsValuesInTheOrderOfTheirBatches) {
    expectAlsoWithKills(
        {{"a1"}, {"a2", "b1"}, {"a3"}, {}, {}},
        {{"(a,[1])"}, {"(a,[1, 2])", "(b,[1])"}, {"(a,[2, 3])", "(b,[1])"}, {"(a,[3])"}, {}},
        [](auto s) {
            return s
                .map([](const std::string& w) { return std::pair(w.substr(0, 1), w.substr(1)); })
                .groupByKeyAndWindow(2s, 1s);
        });
}

}  // namespace
}  // namespace tidemill::test
