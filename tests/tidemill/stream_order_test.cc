// Elements keep the order that the program says, whatever branches they came on and on any number
// of workers.
#include "tests/tidemill/shared_streams.h"

namespace tidemill::test {
namespace {

TEST(StreamOrder, BranchesOfOneSourceReachAShuffleInTheOrderOfTheirUnion) {
    const auto text = linesOf(40000, 3000, true);
    const auto pairs = pairsOf(text);
    auto minus = pairs;
    for (auto& pair : minus) pair.second = -pair.second;
    expectInOrder(
        text, eachGroup(minus + pairs, inOrder),
        [](const Pairs& s) {
            return s.mapValues(negative).unionWith(s).groupByKey().mapValues(inOrder);
        },
        3);
    expectInOrder(text, eachGroup(pairs + pairs, inOrder),
                  [](const Pairs& s) { return s.unionWith(s).groupByKey().mapValues(inOrder); });
    expectInOrder(text, eachGroup(pairs + minus + (pairs + minus), inOrder), [](const Pairs& s) {
        const auto both = s.unionWith(s.mapValues(negative));
        return both.unionWith(both).groupByKey().mapValues(inOrder);
    });
    expectInOrder(text, eachGroup(minus + (pairs + minus + pairs), inOrder), [](const Pairs& s) {
        const auto m = s.mapValues(negative);
        return m.unionWith(s.unionWith(m).unionWith(s)).groupByKey().mapValues(inOrder);
    });
}

TEST(StreamOrder, UnionsOfSeveralStagesKeepTheOrderInWhichTheyAreWritten) {
    const auto text = linesOf(40000, 3000, true);
    const auto pairs = pairsOf(text);
    const auto sizes = eachGroup(pairs, sizeOf);
    // The shuffle's stage runs behind the source's, and its pairs still come first.
    expectInOrder(text, eachGroup(sizes + pairs + sizes, inOrder), [](const Pairs& s) {
        const auto counted = s.groupByKey().mapValues(sizeOf);
        return counted.unionWith(s).unionWith(counted).groupByKey().mapValues(inOrder);
    });
}

TEST(StreamOrder, WhatIsHeldKeepsTheOrderOfAUnion) {
    const auto text = linesOf(40000, 3000, true);
    const auto pairs = pairsOf(text);
    auto minus = pairs;
    for (auto& pair : minus) pair.second = -pair.second;
    const auto branches = [](const Pairs& s) { return s.mapValues(negative).unionWith(s); };
    expectInOrder(
        text, minus + pairs, [&](const Pairs& s) { return branches(s).persist(); }, 2);
    expectInOrder(text, minus + pairs, [&](const Pairs& s) { return branches(s).repartition(5); });
    expectInOrder(text, eachGroup(minus + pairs, inOrder), [&](const Pairs& s) {
        return branches(s).persist().groupByKey().mapValues(inOrder);
    });
    expectInOrder(text, eachGroup(minus + pairs, inOrder), [&](const Pairs& s) {
        return branches(s).repartition(30).groupByKey().mapValues(inOrder);
    });
    expectInOrder(text, minus + pairs, [&](const Pairs& s) {
        return branches(s).transformWith(branches(s),
                                         [](const Batch<Pair>& one, const Batch<Pair>& other) {
                                             const auto elements = one.collect();
                                             EXPECT_TRUE(elements == other.collect());
                                             return elements;
                                         });
    });
    for (const unsigned workers : kWorkers) {
        Life life(inMemory(workers));
        const auto held =
            branches(life.context().memoryTextStream(text).map(pairOf)).remember(Duration(5000));
        life.start();
        life.run(1);
        const auto batches = held.slice(fromMillis(0), fromMillis(5000));
        ASSERT_EQ(batches.size(), 1U);
        EXPECT_TRUE(shown(batches[0].elements) == shown(minus + pairs)) << workers;
        life.context().stop();
    }
}

TEST(StreamOrder, StateOverAUnionOfBranchesSeesValuesInOrder) {
    const auto text = linesOf(40000, 3000, true);
    const auto seen = [&](unsigned workers) {
        return seenInOrder(
            text, workers,
            [](const Pairs& s, Seen& into) {
                const auto both = s.mapValues(negative).unionWith(s);
                see(both.updateStateByKey<std::int64_t>([](std::span<const std::int64_t> values,
                                                           std::optional<std::int64_t> before) {
                    return std::optional(
                        mixed(before.value_or(0), inOrder({values.begin(), values.end()})));
                }),
                    into);
                see(both.mapWithState<std::int64_t>([](const std::string_view& key,
                                                       std::optional<std::int64_t> value,
                                                       State<std::int64_t>& state) {
                    state.update(mixed(state.getOption().value_or(0), *value));
                    return Pair(key, state.get());
                }),
                    into);
            },
            3);
    };
    const auto expected = seen(1);
    for (const unsigned workers : kWorkers) EXPECT_TRUE(seen(workers) == expected) << workers;
}

TEST(StreamOrder, AWindowOverAUnionIsTheSameForEveryReaderAndRun) {
    const auto text = linesOf(40000, 3000, true);
    for (const unsigned workers : kWorkers) {
        const auto seen = [&] {
            return seenInOrder(
                text, workers,
                [](const Pairs& s, Seen& into) {
                    const auto both = s.mapValues(negative).unionWith(s);
                    const auto window = both.window(Duration(2000));
                    see(window.unionWith(window), into);
                    see(window, into);
                    see(window.groupByKey().mapValues(inOrder), into);
                    const auto grouped =
                        both.groupByKeyAndWindow(Duration(2000)).mapValues(inOrder);
                    see(grouped.unionWith(grouped), into);
                },
                4);
        };
        const auto once = seen();
        EXPECT_TRUE(once == seen()) << workers;
    }
}

}  // namespace
}  // namespace tidemill::test
