#include "recovery/inspect.h"

#include <gtest/gtest.h>

#include "core/logging.h"
#include "tests/recovery/log_fixture.h"

namespace tidemill::recovery {
namespace {

using core::BatchId;
using core::ErrorKind;
using core::Lsn;
using core::Path;
using tidemill::testing::SimulatedDisk;

class InspectTest : public ::testing::Test {
protected:
    InspectTest() {
        auto life = Life::start(disk_);
        EXPECT_TRUE(succeeded(life));
        life_ = std::make_unique<Life>(std::move(*life));
    }
    LogReport report() {
        auto found = inspectLog(disk_, kDirectory);
        EXPECT_TRUE(succeeded(found));
        return found.value_or(LogReport());
    }
    Path fileOf(const SegmentSummary& segment) { return kDirectory / "wal" / segment.file; }

    SimulatedDisk disk_;
    std::unique_ptr<Life> life_;  // it goes on while we look
};

TEST_F(InspectTest, ListsSegmentsFramesAndRecordsOfARunningLog) {
    for (std::uint64_t i = 1; i <= 12; ++i)
        TM_ASSERT_OK(life_->append(plainBlock(std::string(700, 'x'), i)));
    TM_ASSERT_OK(life_->record(BatchId(1)));
    TM_ASSERT_OK(life_->log->waitDurable(life_->log->last()));
    const auto before = disk_.contents();
    const auto found = report();
    EXPECT_TRUE(found.sound());
    ASSERT_GE(found.segments.size(), 2u);
    std::uint64_t frames = 0;
    std::uint64_t records = 0;
    Lsn next(1);
    for (const auto& segment : found.segments) {
        EXPECT_EQ(segment.firstLsn, next);
        next = segment.lastLsn.next();
        frames += segment.frames;
        records += segment.batchRecords;
        EXPECT_LE(segment.usedBytes, segment.sizeBytes);
    }
    EXPECT_EQ(frames, 13u);
    EXPECT_EQ(records, 1u);
    EXPECT_EQ(disk_.contents(), before) << "looking changes nothing";
}

TEST_F(InspectTest, DumpShowsFramesInOrder) {
    TM_ASSERT_OK(life_->append(sessionBlock("a\nb\n", "s", 1, 2)));
    TM_ASSERT_OK(life_->append(plainBlock("c\n")));
    TM_ASSERT_OK(life_->record(BatchId(1)));
    TM_ASSERT_OK(life_->log->waitDurable(life_->log->last()));
    std::string text;
    TM_ASSERT_OK(
        dumpLog(disk_, kDirectory, Lsn(0), [&](const DumpedFrame& frame) -> core::Result<> {
            text += toString(frame.lsn) + ":";
            if (frame.origin) text += frame.origin->lane + "," + std::string(frame.bytes);
            if (frame.record) text += "batch " + toString(frame.record->batch);
            text += ";";
            return {};
        }));
    EXPECT_EQ(text, "1:s,a\nb\n;2:,c\n;3:batch 1;");
    EXPECT_EQ(loggedRecordsAfter(disk_, kDirectory, Lsn(0)), 3u);
    EXPECT_EQ(loggedRecordsAfter(disk_, kDirectory, Lsn(1)), 1u);
    EXPECT_EQ(loggedRecordsAfter(disk_, kDirectory, Lsn(3)), 0u);
}

TEST_F(InspectTest, VerifyNamesEveryDamageWithItsOffset) {
    for (std::uint64_t i = 1; i <= 12; ++i)
        TM_ASSERT_OK(life_->append(plainBlock(std::string(700, 'x'), i)));
    const auto sound = report();
    disk_.damage(fileOf(sound.segments[0]), 64 + 100, 1);
    disk_.damage(fileOf(sound.segments[1]), 64 + 100, 1);
    const auto found = report();
    EXPECT_FALSE(found.sound());
    std::string all;
    for (const auto& problem : found.problems) all += problem.message + "\n";
    EXPECT_THAT(all, ::testing::HasSubstr("LSN 1 missing"));
    EXPECT_THAT(all, ::testing::HasSubstr(toString(sound.segments[1].firstLsn) + " missing"));
    EXPECT_THAT(all, ::testing::HasSubstr("offset=64"));
    EXPECT_THAT(all, ::testing::HasSubstr("checksum mismatch"));
}

TEST_F(InspectTest, UnfinishedTailIsNoDamage) {
    TM_ASSERT_OK(life_->append(plainBlock("a\n", 1)));
    TM_ASSERT_OK(life_->append(plainBlock("b\n", 2)));
    const auto segment = report().segments.back();
    disk_.damage(fileOf(segment), segment.usedBytes, 0x0f);
    const auto found = report();
    ASSERT_EQ(found.problems.size(), 1u);
    EXPECT_TRUE(found.problems[0].unfinishedTail);
    EXPECT_TRUE(found.sound());
}

TEST_F(InspectTest, DamagedHeaderAndMissingSegmentAreProblems) {
    for (std::uint64_t i = 1; i <= 20; ++i)
        TM_ASSERT_OK(life_->append(plainBlock(std::string(700, 'x'), i)));
    const auto sound = report();
    ASSERT_GE(sound.segments.size(), 4u);
    disk_.damage(fileOf(sound.segments[1]), 17, 1);
    EXPECT_FALSE(report().sound());
    disk_.damage(fileOf(sound.segments[1]), 17, 1);
    EXPECT_TRUE(report().sound());
    TM_ASSERT_OK(disk_.unlink(fileOf(sound.segments[2])));
    const auto found = report();
    ASSERT_EQ(found.problems.size(), 1u);
    EXPECT_EQ(found.problems[0].lost,
              (LsnRange{sound.segments[2].firstLsn, sound.segments[2].lastLsn}));
}

TEST_F(InspectTest, GenerationsAreListedWithTheirProblems) {
    Generations generations(disk_, kDirectory / "generations");
    for (std::uint64_t batch : {1, 2}) {
        core::BatchMark mark;
        mark.batch = BatchId(batch);
        TM_ASSERT_OK(generations.publish(
            mark, [&](const Path& into) -> core::Result<std::vector<core::CheckpointFile>> {
                TM_ASSIGN(auto file, disk_.open(into / "CURRENT", core::OpenMode::kCreate));
                TM_TRY(file->writeAt(0, "x"));
                return std::vector<core::CheckpointFile>{{"CURRENT", 0, "", ""}};
            }));
    }
    disk_.damage(generations.pathOf({BatchId(2)}) / "CURRENT", 0, 1);
    const auto found = inspectGenerations(disk_, kDirectory);
    TM_ASSERT_OK(found);
    ASSERT_EQ(found->size(), 2u);
    EXPECT_EQ((*found)[0].name.batch, BatchId(2));
    EXPECT_THAT((*found)[0].problem, ::testing::HasSubstr("damaged"));
    EXPECT_EQ((*found)[1].problem, "");
    EXPECT_EQ((*found)[1].mark->batch, BatchId(1));
    EXPECT_EQ((*found)[1].sizeBytes, 1u);
}

TEST_F(InspectTest, SomethingElseIsNoDataDirectory) {
    EXPECT_EQ(inspectLog(disk_, "/nowhere").error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(inspectGenerations(disk_, "/nowhere").error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace tidemill::recovery
