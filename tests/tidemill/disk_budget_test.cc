#include "tidemill/disk_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidemill {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMebi = 1 << 20;
constexpr std::uint64_t kGibi = 1 << 30;

core::DiskSpace disk(std::uint64_t totalBytes, std::uint64_t totalFiles = 0) {
    return {totalBytes / 2, totalBytes, totalFiles / 2, totalFiles};
}

TEST(DiskBudget, ALargeDiskKeepsFivePercentFree) {
    const auto budget = fitToDisk({}, disk(100 * kGibi, 1'000'000));
    EXPECT_EQ(budget.reserveBytes, 5 * kGibi);
    EXPECT_EQ(budget.reserveFiles, 50'000u);
    EXPECT_EQ(budget.segmentBytes, 64 * kMebi);
    EXPECT_EQ(budget.deltaBudgetBytes, 256 * kMebi);
    EXPECT_EQ(budget.checkpointBytes, 256 * kMebi);
    EXPECT_EQ(budget.shrunk, "");
}

TEST(DiskBudget, TwoDeltaBudgetsOrTwoSegmentsWhenThatIsMore) {
    EXPECT_EQ(fitToDisk({}, disk(8 * kGibi)).reserveBytes, 512 * kMebi);
    StreamingOptions options;
    options.deltaBudgetBytes = kMebi;
    options.segmentBytes = 300 * kMebi;
    EXPECT_EQ(fitToDisk(options, disk(8 * kGibi)).reserveBytes, 600 * kMebi);
}

TEST(DiskBudget, TheBacklogMayTakeAQuarterOfWhatIsFree) {
    EXPECT_EQ(fitToDisk({}, disk(100 * kGibi)).backlogBytes, (50 - 5) * kGibi / 4);
    StreamingOptions options;
    options.diskReserveBytes = 60 * kGibi;
    EXPECT_EQ(fitToDisk(options, disk(100 * kGibi)).backlogBytes, 0u) << "nothing is free";
    options.maxBacklogBytes = 7;
    EXPECT_EQ(fitToDisk(options, disk(100 * kGibi)).backlogBytes, 7u);
}

TEST(DiskBudget, NeverMoreThanAFifthToWhichTheRestIsMadeToFit) {
    const auto budget = fitToDisk({}, disk(400 * kMebi, 1000));
    EXPECT_EQ(budget.reserveBytes, 80 * kMebi);
    EXPECT_EQ(budget.reserveFiles, 200u);
    EXPECT_EQ(budget.segmentBytes, 40 * kMebi);
    EXPECT_EQ(budget.deltaBudgetBytes, 40 * kMebi);
    EXPECT_EQ(budget.checkpointBytes, 80 * kMebi);
    EXPECT_EQ(budget.shrunk,
              "the disk has 400 MiB: segment_bytes to 40 MiB, delta_budget to 40 MiB, "
              "[checkpoint] log_bytes to 80 MiB");
}

TEST(DiskBudget, WhatTheOptionsSayIsTaken) {
    StreamingOptions options;
    options.diskReserveBytes = 3 * kMebi;
    options.diskReserveFiles = 7;
    options.checkpointBytes = 0;
    const auto budget = fitToDisk(options, disk(400 * kMebi, 1000));
    EXPECT_EQ(budget.reserveBytes, 3 * kMebi);
    EXPECT_EQ(budget.reserveFiles, 7u);
    EXPECT_EQ(budget.checkpointBytes, 0u) << "turned off";
    EXPECT_THAT(describeSpace(budget, disk(400 * kMebi, 1000)),
                HasSubstr("200 MiB and 500 files are free of 400 MiB and 1000 files; 3 MiB and 7 "
                          "files are to stay free ([limits] disk_reserve and disk_reserve_files"));
}

TEST(DiskBudget, FilesThatAreNotCountedAreNotReserved) {
    EXPECT_EQ(fitToDisk({}, disk(kGibi)).reserveFiles, 0u);
    EXPECT_THAT(describeSpace(fitToDisk({}, disk(kGibi)), disk(kGibi)),
                ::testing::Not(HasSubstr("files are")));
}

}  // namespace
}  // namespace tidemill
