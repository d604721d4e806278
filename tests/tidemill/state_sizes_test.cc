// States and panes that become large: stored in pieces, or refused by name. The bounds are small
// here.
#include <gtest/gtest.h>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::vector<std::string>>;

StreamingOptions bounded(std::size_t rowBytesMax) {
    StreamingOptions options = inMemory();
    options.maxStateRowBytes = rowBytesMax;
    return options;
}

// Every batch other keys, some of them again.
Words manyKeys() {
    Words inputs;
    for (int batch = 0; batch < 14; ++batch) {
        auto& words = inputs.emplace_back();
        if (batch == 9) continue;
        for (int i = 0; i < 900; ++i) words.push_back("key " + std::to_string(i * (batch % 3 + 1)));
    }
    return inputs;
}

template <class Build>
void expectTheSameInPieces(Build build) {
    const auto inputs = manyKeys();
    const auto whole = runBatches(inputs, build);
    // Pieces of 100 bytes, passes of 400: the panes of a range take many of both.
    EXPECT_EQ(runBatches(inputs, build, bounded(100)), whole);
    StreamingOptions spilling = bounded(100);
    spilling.deltaBudgetBytes = 1 << 20;
    EXPECT_EQ(runBatches(inputs, build, spilling), whole);
}

auto ones(DStream<std::string> words) {
    return words.map(
        [](const std::string& w) { return std::pair<std::string, std::int64_t>(w, 1); });
}
const auto most = [](std::int64_t a, std::int64_t b) { return a + b; };

TEST(Pieces, OfWindowsWithoutAnInverse) {
    expectTheSameInPieces([](auto s) { return ones(s).reduceByKeyAndWindow(most, 4s, 1s); });
    expectTheSameInPieces([](auto s) { return ones(s).reduceByKeyAndWindow(most, 6s, 2s); });
    expectTheSameInPieces([](auto s) { return ones(s).reduceByKeyAndWindow(most, 3s, 2s); });
}

TEST(Pieces, OfWindowsWithoutOverlap) {
    expectTheSameInPieces([](auto s) { return ones(s).reduceByKeyAndWindow(most, 3s, 3s); });
}

TEST(Pieces, OfWindowsWithAnInverse) {
    const auto less = [](std::int64_t a, std::int64_t b) { return a - b; };
    const auto filter = [](const auto& pair) { return pair.second != 0; };
    expectTheSameInPieces(
        [&](auto s) { return ones(s).reduceByKeyAndWindow(most, less, 4s, 2s, filter); });
    expectTheSameInPieces([&](auto s) {
        return ones(s).reduceByKeyAndWindow(std::plus<>(), std::minus<>(), 4s, 2s, filter);
    });
}

TEST(Pieces, OfWindowsOfElements) {
    expectTheSameInPieces([](auto s) { return s.window(4s, 2s); });
    expectTheSameInPieces([](auto s) { return ones(s).groupByKeyAndWindow(4s, 2s); });
}

// What ends the job.
template <class Build>
std::string ended(const Words& inputs, Build build, std::size_t rowBytesMax) {
    Life life(bounded(rowBytesMax));
    RecordQueue<std::string> queue;
    for (const auto& input : inputs) queue.push(input);
    std::map<std::uint64_t, std::vector<std::string>> seen;
    life.collect(build(life.context().queueStream(queue)), seen);
    life.start();
    life.run(inputs.size());
    try {
        life.context().awaitTermination(10ms);
    } catch (const StreamingError& error) {
        return error.what();
    }
    return "";
}

TEST(Bounds, AreToldWithStateKeyAndSize) {
    const auto long1 = std::string(150, 'k');
    const auto expectSaid = [](const std::string& said, const char* state, const std::string& key) {
        EXPECT_NE(said.find("state \"" + std::string(state) + "\""), std::string::npos) << said;
        EXPECT_NE(said.find("key \"" + key), std::string::npos) << said;
        EXPECT_NE(said.find("bytes="), std::string::npos) << said;
        EXPECT_NE(said.find("limit=100"), std::string::npos) << said;
    };
    const auto grow = [](std::span<const std::int64_t>, std::optional<std::string> before) {
        return std::optional(before.value_or("") + std::string(40, 'x'));
    };
    expectSaid(
        ended(
            {{"a"}, {"a"}, {"a"}},
            [&](auto s) { return ones(s).template updateStateByKey<std::string>("grown", grow); },
            100),
        "grown", "a");
    expectSaid(ended(
                   {{long1}}, [](auto s) { return ones(s).runningTotals("totals"); }, 100),
               "totals", "kkkk");
    expectSaid(
        ended(
            {{long1}}, [](auto s) { return ones(s).reduceByKeyAndWindow(most, 2s, 1s, "window"); },
            100),
        "window", "kkkk");
    expectSaid(ended(
                   {Words::value_type(60, "hot")},
                   [](auto s) { return ones(s).groupByKeyAndWindow(2s, 1s, "groups"); }, 100),
               "groups", "hot");
    expectSaid(ended(
                   {{long1}}, [](auto s) { return s.window(2s, 1s, "elements"); }, 100),
               "elements", "");
    EXPECT_EQ(
        ended(
            {{"a"}, {"a"}},
            [&](auto s) { return ones(s).template updateStateByKey<std::string>("grown", grow); },
            100),
        "");
}

}  // namespace
}  // namespace tidemill::test
