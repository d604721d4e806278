// Streams that several tasks read at the same time, or that reach an operator on several ways, on
// batches of many partitions: every reader sees the same whole elements, in the order that the
// program says, on any number of workers.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <charconv>
#include <fstream>
#include <functional>
#include <numeric>
#include <sstream>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using Pair = std::pair<std::string_view, std::int64_t>;
using Pairs = DStream<Pair>;
using Seen = std::vector<std::string>;

const std::vector<unsigned> kWorkers{1, 2, 4, 9, 20};

// "KEY NUMBER" lines. Half of the lines of `hot` have one key.
std::string linesOf(std::size_t count, std::size_t keys, bool hot) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        const bool isHot = hot && i % 2 == 0;
        text += isHot ? "hot" : "key number " + std::to_string(i * 7919 % keys);
        text += ' ' + std::to_string(i) + '\n';
    }
    return text;
}

Pair pairOf(std::string_view line) {
    const auto space = line.rfind(' ');
    Pair pair(line.substr(0, space), 0);
    std::from_chars(line.data() + space + 1, line.data() + line.size(), pair.second);
    return pair;
}

std::vector<Pair> pairsOf(std::string_view text) {
    std::vector<Pair> pairs;
    core::cutLines(text, [&](std::string_view line) {
        pairs.push_back(pairOf(line));
        return true;
    });
    return pairs;
}

template <class T>
Seen shown(const std::vector<T>& elements) {
    Seen lines;
    for (const auto& element : elements) core::appendElement(lines.emplace_back(), element);
    return lines;
}

// What build(pairs) gives of `text`, taken in as many batches as asked, in the order in which an
// output sees it: the batches behind each other.
Seen seenInOrder(const std::string& text, unsigned workers,
                 const std::function<void(const Pairs&, Seen&)>& build, std::size_t batches = 1) {
    Seen seen;
    Life life(inMemory(workers));
    build(life.context().memoryTextStream(text, text.size() / batches + 1).map(pairOf), seen);
    life.start();
    life.run(batches);
    life.context().stop();
    return seen;
}

// Lets `stream` be seen in order by one output.
template <class T>
void see(const DStream<T>& stream, Seen& into) {
    stream.forEachBatch([&into](Batch<T>& batch) {
        for (auto& line : shown(batch.collect())) into.push_back(std::move(line));
    });
}

// The pairs of each key, in their order; keys as a shuffle gives them: range by range, each in the
// order in which its keys came.
std::vector<std::pair<std::string_view, std::vector<std::int64_t>>> groupsOf(
    const std::vector<Pair>& pairs) {
    std::array<std::vector<std::pair<std::string_view, std::vector<std::int64_t>>>,
               core::kKeyRanges>
        ranges;
    std::map<std::string_view, std::size_t> places;
    for (const auto& [key, value] : pairs) {
        auto& range = ranges[core::keyRangeOf(core::keyGroup(key))];
        const auto [place, isNew] = places.try_emplace(key, range.size());
        if (isNew) range.emplace_back(key, std::vector<std::int64_t>());
        range[place->second].second.push_back(value);
    }
    std::vector<std::pair<std::string_view, std::vector<std::int64_t>>> all;
    for (auto& range : ranges) all.insert(all.end(), range.begin(), range.end());
    return all;
}

// Says of a list what its order changes.
std::int64_t inOrder(const std::vector<std::int64_t>& values) {
    std::uint64_t hash = values.size();
    for (const auto value : values) hash = hash * 1000003 + static_cast<std::uint64_t>(value);
    return static_cast<std::int64_t>(hash);
}
// Of numbers that may be any: what is too large wraps round.
std::int64_t mixed(std::int64_t first, std::int64_t second) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(first) * 31 +
                                     static_cast<std::uint64_t>(second));
}
std::int64_t negative(std::int64_t value) { return -value; }

std::vector<Pair> eachGroup(
    const std::vector<Pair>& pairs,
    const std::function<std::int64_t(const std::vector<std::int64_t>&)>& f) {
    std::vector<Pair> made;
    for (const auto& [key, values] : groupsOf(pairs)) made.emplace_back(key, f(values));
    return made;
}

template <class T>
std::vector<T> operator+(std::vector<T> a, const std::vector<T>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

std::int64_t sizeOf(const std::vector<std::int64_t>& values) {
    return static_cast<std::int64_t>(values.size());
}

void expectInOrder(const std::string& text, const std::vector<Pair>& expected,
                   const std::function<Pairs(const Pairs&)>& build, int repeats = 1) {
    const auto lines = shown(expected);
    for (const unsigned workers : kWorkers)
        for (int repeat = 0; repeat < repeats; ++repeat)
            ASSERT_TRUE(seenInOrder(text, workers,
                                    [&](const Pairs& pairs, Seen& seen) {
                                        see(build(pairs), seen);
                                    }) == lines)
                << "on " << workers << " workers";
}

TEST(SharedShuffle, BothBranchesOfAGroupSeeEveryValue) {
    for (const bool hot : {true, false}) {
        const auto text = linesOf(60000, 5000, hot);
        const auto pairs = pairsOf(text);
        expectInOrder(
            text, eachGroup(pairs, inOrder) + eachGroup(pairs, sizeOf),
            [](const Pairs& s) {
                const auto groups = s.groupByKey();
                return groups.mapValues(inOrder).unionWith(groups.mapValues(sizeOf));
            },
            3);
    }
}

TEST(SharedShuffle, ReducedValuesOfEveryFormAreSeenByBothBranches) {
    const auto text = linesOf(60000, 5000, true);
    const auto pairs = pairsOf(text);
    const auto sums = eachGroup(pairs, [](const auto& values) {
        return std::accumulate(values.begin(), values.end(), std::int64_t{0});
    });
    // In the slot, behind it, and elsewhere.
    expectInOrder(text, sums + sums, [](const Pairs& s) {
        const auto reduced = s.reduceByKey(std::plus<>());
        return reduced.unionWith(reduced);
    });
    using Wide = std::array<std::int64_t, 3>;
    expectInOrder(text, sums + sums, [](const Pairs& s) {
        const auto reduced = s.mapValues([](std::int64_t v) {
                                  return Wide{v, 1, v};
                              })
                                 .reduceByKey([](const Wide& a, const Wide& b) {
                                     return Wide{a[0] + b[0], a[1] + b[1], a[2] + b[2]};
                                 })
                                 .mapValues([](const Wide& wide) { return wide[2]; });
        return reduced.unionWith(reduced);
    });
    expectInOrder(text, sums + sums, [](const Pairs& s) {
        const auto reduced =
            s.mapValues([](std::int64_t v) { return std::vector<std::int64_t>(1, v); })
                .reduceByKey([](const auto& a, const auto& b) {
                    return std::vector<std::int64_t>(1, a[0] + b[0]);
                })
                .mapValues([](const std::vector<std::int64_t>& sum) { return sum[0]; });
        return reduced.unionWith(reduced);
    });
}

TEST(SharedShuffle, ACogroupAndAJoinOnTwoWaysAreTheSameTwice) {
    const auto text = linesOf(20000, 15000, false);
    const auto pairs = pairsOf(text);
    const auto both =
        eachGroup(pairs, [](const auto& values) { return mixed(inOrder(values), sizeOf(values)); });
    expectInOrder(text, both + both, [](const Pairs& s) {
        const auto together = s.cogroup(s).mapValues(
            [](const auto& values) { return mixed(inOrder(values.first), sizeOf(values.second)); });
        return together.unionWith(together);
    });
    std::vector<Pair> joined;
    for (const auto& [key, values] : groupsOf(pairs))
        for (const auto left : values)
            for (const auto right : values) joined.emplace_back(key, mixed(left, right));
    expectInOrder(text, joined + joined, [](const Pairs& s) {
        const auto together = s.join(s).mapValues(
            [](const auto& values) { return mixed(values.first, values.second); });
        return together.unionWith(together);
    });
}

TEST(SharedShuffle, OutputsOfOneStreamSeeTheSame) {
    const auto text = linesOf(30000, 2000, true);
    const auto expected = shown(eachGroup(pairsOf(text), inOrder));
    for (const unsigned workers : kWorkers) {
        TemporaryDirectory directory;
        std::ostringstream printed;
        Seen first, second;
        seenInOrder(text, workers, [&](const Pairs& s, Seen& seen) {
            const auto groups = s.groupByKey();
            const auto hashes = groups.mapValues(inOrder);
            hashes.print(3, printed);
            see(hashes, seen);
            hashes.saveAsTextFiles(directory / "counts");
            hashes.forEachBatch([&](Batch<Pair>& batch) {
                batch.forEach(
                    [&](const Pair& pair) { first.push_back(shown(std::vector{pair})[0]); });
            });
            see(groups.mapValues(inOrder), second);
        });
        EXPECT_EQ(first, expected);
        EXPECT_EQ(second, expected);
        EXPECT_NE(printed.str().find(expected[2]), std::string::npos);
        EXPECT_EQ(printed.str().find(expected[3]), std::string::npos);
        Seen saved;
        std::vector<std::filesystem::path> parts;
        for (const auto& file : std::filesystem::directory_iterator(directory / "counts-1000"))
            if (file.path().filename().string().starts_with("part-")) parts.push_back(file.path());
        std::sort(parts.begin(), parts.end());
        for (const auto& part : parts) {
            std::ifstream in(part);
            for (std::string line; std::getline(in, line);) saved.push_back(line);
        }
        EXPECT_EQ(saved, expected) << "on " << workers << " workers";
    }
}

TEST(SharedShuffle, AMergeThatThrowsEndsTheBatchOnceForAllThatWait) {
    const auto text = linesOf(40000, 100, true);
    for (const unsigned workers : {2U, 9U, 20U}) {
        Life life(inMemory(workers));
        const auto merged =
            life.context()
                .memoryTextStream(text)
                .map(pairOf)
                .combineByKey([](std::int64_t v) { return std::vector<std::int64_t>(1, v); },
                              [](std::vector<std::int64_t> all, std::int64_t v) {
                                  all.push_back(v);
                                  return all;
                              },
                              [](std::vector<std::int64_t>,
                                 std::vector<std::int64_t>) -> std::vector<std::int64_t> {
                                  throw std::runtime_error("these two do not go together");
                              })
                .mapValues(sizeOf);
        merged.unionWith(merged).unionWith(merged).forEachBatch([](Batch<Pair>& batch) {
            // A batch that failed stays so, whoever asks again.
            std::string error;
            try {
                batch.collect();
            } catch (const std::exception& thrown) {
                error = thrown.what();
            }
            EXPECT_NE(error.find("these two do not go together"), std::string::npos) << error;
            batch.collect();
        });
        life.start();
        life.clock().advance(Duration(1000));
        try {
            life.context().awaitTermination();
            ADD_FAILURE() << "the job goes on";
        } catch (const StreamingError& error) {
            const std::string message = error.what();
            const auto found = message.find("these two do not go together");
            EXPECT_NE(found, std::string::npos) << message;
            EXPECT_EQ(message.find("these two do not go together", found + 1), std::string::npos);
        }
    }
}

TEST(SharedShuffle, WhatABatchLeftIsGoneInTheNext) {
    // Batches of many and of few partials in turn, so that tables come from the batch before.
    const auto text = linesOf(90000, 3000, true);
    const auto seen = [&](unsigned workers) {
        return seenInOrder(
            text, workers,
            [](const Pairs& s, Seen& into) {
                const auto groups = s.groupByKey();
                see(groups.mapValues(inOrder).unionWith(groups.mapValues(sizeOf)), into);
            },
            6);
    };
    const auto expected = seen(1);
    for (const unsigned workers : kWorkers) EXPECT_TRUE(seen(workers) == expected) << workers;
}

TEST(SharedStream, ASecondReaderOfWhatCannotBeCopiedIsRefusedWhenItIsMade) {
    StreamingContext context(inMemory());
    const auto owned = context.memoryTextStream("a\n").map(
        [](std::string_view line) { return std::make_unique<std::string>(line); });
    const auto sizeOfLine = [](const std::unique_ptr<std::string>& line) { return line->size(); };
    const auto sizes = owned.map(sizeOfLine);
    try {
        owned.map(sizeOfLine);
        FAIL() << "it is not refused";
    } catch (const std::logic_error& error) {
        EXPECT_NE(std::string(error.what()).find("that map gives"), std::string::npos)
            << error.what();
    }
}

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
