// What a record costs in allocations on the word-count path: none.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "tests/support/batch_harness.h"
#include "tests/tidemill/allocation_count.h"

namespace tidemill::test {
namespace {

constexpr std::size_t kFewLines = 4'000;
constexpr std::size_t kManyLines = 4 * kFewLines;
constexpr std::size_t kWordsPerLine = 10;
constexpr std::size_t kDistinct = 1'000;
constexpr std::size_t kWarmBatches = 4;
constexpr std::size_t kBatches = 4;

// The same words in all of `batches` batches of `lines` lines of equal length; one word in ten does
// not fit into a slot of the key table.
std::string textOf(std::size_t batches, std::size_t lines) {
    std::string text;
    for (std::size_t line = 0; line < batches * lines; ++line) {
        for (std::size_t word = 0; word < kWordsPerLine; ++word) {
            const std::size_t k = (line * kWordsPerLine + word) % kDistinct;
            text += (word == 0 ? "a-rather-long-word-" : "w") + std::to_string(10'000 + k) + ' ';
        }
        text.back() = '\n';
    }
    return text;
}

using Build = std::function<void(const DStream<std::string_view>&)>;

// Allocations of all threads per batch of `lines` lines, once there were some batches.
double allocationsPerBatch(std::size_t lines, unsigned workers, const Build& build) {
    const std::size_t batches = kWarmBatches + kBatches;
    const std::string text = textOf(batches, lines);
    StreamingOptions options;
    options.workers = workers;
    Life life(options);
    build(life.context().memoryTextStream(text, text.size() / batches));
    life.start();
    life.run(kWarmBatches);
    const auto before = allocationCount();
    life.run(kBatches);
    const auto after = allocationCount();
    life.context().stop();
    return static_cast<double>(after - before) / static_cast<double>(kBatches);
}

// Allocations that one more record costs.
double allocationsPerRecord(unsigned workers, const Build& build) {
    const double few = allocationsPerBatch(kFewLines, workers, build);
    const double many = allocationsPerBatch(kManyLines, workers, build);
    EXPECT_GT(few, 0);
    return (many - few) / static_cast<double>((kManyLines - kFewLines) * kWordsPerLine);
}

// What differs from one run to the next: far below one for a thousand records.
constexpr double kNone = 1e-4;

auto countsOf(const DStream<std::string_view>& words) {
    return words.map([](std::string_view word) { return std::pair(word, std::int64_t{1}); })
        .reduceByKey(std::plus<>());
}

// Looks at every element, as an output does that sends them somewhere.
template <class T>
void consume(const DStream<T>& stream, std::size_t expected = kDistinct) {
    stream.forEachBatch([expected](Batch<T>& batch) {
        std::size_t seen = 0;
        batch.forEach([&](const T&) { ++seen; });
        EXPECT_EQ(seen, expected);
    });
}

class Allocations : public ::testing::TestWithParam<unsigned> {};

TEST_P(Allocations, OfAWordCountDoNotGrowWithTheRecords) {
    EXPECT_LT(
        allocationsPerRecord(
            GetParam(), [](const auto& lines) { consume(countsOf(lines.flatMap(splitWords))); }),
        kNone);
}

TEST_P(Allocations, OfRunningTotalsDoNotGrowWithTheRecords) {
    EXPECT_LT(allocationsPerRecord(
                  GetParam(),
                  [](const auto& lines) {
                      consume(countsOf(lines.flatMap(splitWords)).runningTotals("totals"));
                  }),
              kNone);
}

TEST_P(Allocations, OfAFlatMapThatEmitsDoNotGrowWithTheRecords) {
    const auto split = [](std::string_view line, auto& emit) {
        for (std::size_t begin = 0; begin < line.size();) {
            const std::size_t end = std::min(line.find(' ', begin), line.size());
            emit(line.substr(begin, end - begin));
            begin = end + 1;
        }
    };
    EXPECT_LT(allocationsPerRecord(
                  GetParam(), [&](const auto& lines) { consume(countsOf(lines.flatMap(split))); }),
              kNone);
}

// What the others rely on: an allocation of each record is seen.
TEST_P(Allocations, OfAFunctionThatAllocatesAreCounted) {
    const auto lengthOfCopy = [](std::string_view word) {
        const std::string copy = std::string(word) + " is too long to fit into a string itself";
        return std::pair(word, static_cast<std::int64_t>(copy.size()));
    };
    EXPECT_GE(
        allocationsPerRecord(
            GetParam(),
            [&](const auto& lines) {
                consume(lines.flatMap(splitWords).map(lengthOfCopy).reduceByKey(std::plus<>()));
            }),
        1 - kNone);
}

INSTANTIATE_TEST_SUITE_P(Workers, Allocations, ::testing::Values(1U, 2U));

}  // namespace
}  // namespace tidemill::test
