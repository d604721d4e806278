#include "tidemill/memory_budget.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tidemill {
namespace {

constexpr std::size_t kMebi = 1 << 20;

std::size_t sum(const StreamingOptions& options) {
    // Received, read back by a batch, and the batch's own tables; changed state; cache.
    return options.receiveBudgetBytes + 2 * options.maxBatchBytes + options.maxBatchBytes +
           options.deltaBudgetBytes + options.stateCacheBytes;
}

TEST(MemoryBudget, AllBudgetsTogetherFit) {
    for (const std::size_t bytes : {96 * kMebi, 100 * kMebi + 1, 512 * kMebi, 64'000 * kMebi}) {
        StreamingOptions options;
        divideMemory(bytes, options);
        EXPECT_EQ(options.memoryBytes, bytes);
        EXPECT_LE(sum(options) + 64 * kMebi, bytes);
        // Nearly all of it is given out.
        EXPECT_GE(sum(options), (bytes - 64 * kMebi) / 10 * 8);
        EXPECT_LE(2 * options.blockBytes, options.maxBatchBytes);
        EXPECT_GE(options.blockBytes, options.maxRecordBytes);
        EXPECT_LE(options.maxStateRowBytes, options.deltaBudgetBytes);
        EXPECT_LE(options.maxRememberedBytes, options.maxBatchBytes);
    }
}

TEST(MemoryBudget, MoreMemoryDoesNotMakeBlocksAndRowsLarger) {
    StreamingOptions options;
    divideMemory(64'000 * kMebi, options);
    const StreamingOptions defaults;
    EXPECT_EQ(options.blockBytes, defaults.blockBytes);
    EXPECT_EQ(options.maxStateRowBytes, defaults.maxStateRowBytes);
    EXPECT_EQ(options.maxRememberedBytes, defaults.maxRememberedBytes);
}

TEST(MemoryBudget, TooLittleIsRefused) {
    StreamingOptions options;
    EXPECT_THROW(divideMemory(96 * kMebi - 1, options), std::invalid_argument);
    EXPECT_EQ(options.memoryBytes, 0u);
}

}  // namespace
}  // namespace tidemill
