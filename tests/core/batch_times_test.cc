#include "core/batch_times.h"

#include <gtest/gtest.h>

namespace tidemill::core {
namespace {

using namespace std::chrono_literals;

TEST(BatchTimes, NewDirectoryBeginsAtTheNextBoundary) {
    EXPECT_EQ(firstBatchTime(std::nullopt, fromMillis(12'300), 1000ms), fromMillis(13'000));
    EXPECT_EQ(firstBatchTime(std::nullopt, fromMillis(12'000), 1000ms), fromMillis(13'000));
    EXPECT_EQ(firstBatchTime(std::nullopt, fromMillis(0), 1000ms), fromMillis(1'000));
}

TEST(BatchTimes, DowntimeMakesOneGapUpToTheNewestBoundaryPassed) {
    EXPECT_EQ(firstBatchTime(fromMillis(12'000), fromMillis(99'700), 1000ms), fromMillis(99'000));
}

TEST(BatchTimes, AQuickRestartGoesOnWithTheNextBatch) {
    EXPECT_EQ(firstBatchTime(fromMillis(12'000), fromMillis(12'100), 1000ms), fromMillis(13'000));
}

TEST(BatchTimes, AWallClockThatJumpedBackRepeatsNoTime) {
    EXPECT_EQ(firstBatchTime(fromMillis(12'000), fromMillis(3'000), 1000ms), fromMillis(13'000));
}

TEST(BatchTimes, TheFirstBatchIsDueWhenTheWallReachesIt) {
    EXPECT_EQ(firstDue(fromMillis(13'000), fromMillis(12'300), 5s, 1000ms), 5s + 700ms);
}

TEST(BatchTimes, TheFirstBatchIsDueAtOnceWhenItsTimeHasPassed) {
    EXPECT_EQ(firstDue(fromMillis(99'000), fromMillis(99'700), 5s, 1000ms), 5s);
}

TEST(BatchTimes, TheFirstBatchIsDueWithinOneIntervalWhateverTheWallSays) {
    EXPECT_EQ(firstDue(fromMillis(13'000), fromMillis(3'000), 5s, 1000ms), 6s);
}

}  // namespace
}  // namespace tidemill::core
