// What a row costs in allocations: none.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "rows/aggregate.h"
#include "rows/outputs/scan_rows.h"
#include "tests/rows/row_rig.h"
#include "tests/tidemill/allocation_count.h"

namespace tidemill::rows::test {
namespace {

using core::orThrow;
using tidemill::test::allocationCount;

constexpr std::size_t kFewLines = 8'000;
constexpr std::size_t kManyLines = 4 * kFewLines;
constexpr std::size_t kWarmBatches = 4;
constexpr std::size_t kBatches = 4;

// Lines of equal length with the same thousand keys in each batch; one in ten is long.
std::string textOf(std::size_t batches, std::size_t lines) {
    std::string text;
    for (std::size_t line = 0; line < batches * lines; ++line) {
        const std::size_t k = line % 1000;
        text +=
            (k % 10 == 0 ? "a-rather-long-key-" : "key-of-eighteen-by-") + std::to_string(1000 + k);
        text +=
            " " + std::to_string(100 + line % 900) + " 0." + std::to_string(1 + line % 9) + "\n";
    }
    return text;
}

// Goes through all rows of each batch.
class LookAtAll final : public core::OutputOperation {
public:
    explicit LookAtAll(const RowStream& rows) : node_(rows.node) { node_->require(); }
    std::string describe() const override { return "look"; }
    core::Visibility run(core::BatchRun& run) override {
        std::size_t seen = 0;
        scanRows(*node_, run, kAllRows, [&](const Chunk&, std::size_t) { ++seen; });
        EXPECT_GT(seen, 0u);
        return core::Visibility::kNow;
    }

private:
    std::shared_ptr<core::StreamNode<Chunk>> node_;
};

using Build = std::function<RowStream(const RowStream&)>;

double allocationsPerBatch(std::size_t lines, const Build& build) {
    const std::size_t batches = kWarmBatches + kBatches;
    const std::string text = textOf(batches, lines);
    tidemill::test::Life life(tidemill::test::inMemory(1));
    const auto rows = build(rowsOf(life.context().memoryTextStream(text, text.size() / batches),
                                   {{"key", Type::kText}, {"n", Type::kInt}, {"x", Type::kFloat}}));
    rows.job->graph.addOutput(std::make_unique<LookAtAll>(rows));
    life.start();
    life.run(kWarmBatches);
    const auto before = allocationCount();
    life.run(kBatches);
    const auto after = allocationCount();
    life.context().stop();
    return static_cast<double>(after - before) / static_cast<double>(kBatches);
}

double allocationsPerRow(const Build& build) {
    const double few = allocationsPerBatch(kFewLines, build);
    const double many = allocationsPerBatch(kManyLines, build);
    EXPECT_GT(few, 0);
    return (many - few) / static_cast<double>(kManyLines - kFewLines);
}

// A chunk of a thousand rows may cost one or two.
constexpr double kNone = 2.5e-3;

const auto kKept = ofInt<Type::kBool>(1, [](std::int64_t n) { return n > 150; });

TEST(RowAllocations, OfFiltersAndAggregatesDoNotGrowWithTheRows) {
    EXPECT_LT(allocationsPerRow([](const RowStream& rows) {
                  const auto twice = ofInt<Type::kInt>(1, [](std::int64_t n) { return 2 * n; });
                  return orThrow(aggregate(
                      orThrow(compute(where(rows, kKept), {{"m", twice}})),
                      {{"key"},
                       {{"a", "count()"}, {"b", "sum(m)"}, {"c", "max(x)"}, {"d", "stddev(x)"}}}));
              }),
              kNone);
}

TEST(RowAllocations, OfRunningGroupsDoNotGrowWithTheRows) {
    EXPECT_LT(allocationsPerRow([](const RowStream& rows) {
                  Aggregation how{{"key", "n"}, {{"a", "count()"}}};
                  how.key = {"key"};
                  how.running = true;
                  how.name = "groups";
                  return orThrow(aggregate(rows, how));
              }),
              kNone);
}

TEST(RowAllocations, OfDistinctAndTopDoNotGrowWithTheRows) {
    EXPECT_LT(allocationsPerRow([](const RowStream& rows) {
                  return orThrow(
                      top(orThrow(distinct(orThrow(select(rows, {"key"})), {})), {{"key"}}, 5));
              }),
              kNone);
}

TEST(RowAllocations, OfDifferentValuesThatWereSeenDoNotGrowWithTheRows) {
    EXPECT_LT(allocationsPerRow([](const RowStream& rows) {
                  return orThrow(aggregate(rows, {{}, {{"a", "count(distinct key)"}}}));
              }),
              kNone);
}

}  // namespace
}  // namespace tidemill::rows::test
