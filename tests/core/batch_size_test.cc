#include "core/batch_size.h"

#include <gtest/gtest.h>

namespace tidemill::core {
namespace {

constexpr std::size_t kMemory = 1000;

TEST(BatchSize, WhatHoldsEveryRecordIsNeverLarger) {
    BatchSize size(kMemory, true);
    size.ran(kMemory, 0);
    EXPECT_EQ(size.bytesMax(), kMemory);
}

TEST(BatchSize, GrowsInStepsWhileLittleIsHeld) {
    BatchSize size(kMemory, false);
    EXPECT_EQ(size.bytesMax(), kMemory);
    size.ran(kMemory, 1);
    EXPECT_EQ(size.bytesMax(), 8 * kMemory);
    size.ran(8 * kMemory, 1);
    EXPECT_EQ(size.bytesMax(), 64 * kMemory);
}

TEST(BatchSize, IsAsLargeAsWhatIsHeldAllows) {
    BatchSize size(kMemory, false);
    size.ran(kMemory, 500);
    EXPECT_EQ(size.bytesMax(), 2 * kMemory);
    size.ran(2 * kMemory, 4000);
    EXPECT_EQ(size.bytesMax(), kMemory) << "never smaller, since one block may be that large";
}

TEST(BatchSize, SmallBatchesTellNothing) {
    BatchSize size(kMemory, false);
    size.ran(kMemory / 4 - 1, 0);
    EXPECT_EQ(size.bytesMax(), kMemory);
    size.ran(kMemory / 4, 0);
    EXPECT_EQ(size.bytesMax(), 2 * kMemory);
    size.ran(0, 100'000);
    EXPECT_EQ(size.bytesMax(), 2 * kMemory);
}

}  // namespace
}  // namespace tidemill::core
