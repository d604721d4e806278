// Streams that several tasks read at the same time, or that reach an operator on several ways, on
// batches of many partitions: every reader sees the same whole elements, in the order that the
// program says, on any number of workers.
#include "tests/tidemill/shared_streams.h"

namespace tidemill::test {
namespace {

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

}  // namespace
}  // namespace tidemill::test
