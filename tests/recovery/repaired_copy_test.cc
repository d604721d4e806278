// What is saved of a directory that a start refuses: all up to the damage, and nothing made up.
#include "recovery/repaired_copy.h"

#include <gmock/gmock.h>

#include "tests/recovery/recover_fixture.h"

namespace tidemill::recovery {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

const Path kCopy = "/copy";

class RepairedCopyTest : public RecoverTest {
protected:
    // Checkpoints of batches 2 and 4, six batches in the log.
    void SetUp() override { ASSERT_NO_FATAL_FAILURE(runSixBatches()); }

    core::Result<RepairReport> repair() {
        return repairInto(disk_, kDirectory, kCopy, ReadsAll(), [](const std::string&) {});
    }
    core::Result<Recovered> startOnCopy() {
        TM_ASSIGN(const auto directory,
                  DataDirectory::open(disk_, kCopy, DataDirectory::Locking::kNone));
        return recover(*directory, Life::recoverOptions());
    }
    void damageCheckpoint(std::uint64_t batch) {
        disk_.damage(
            kDirectory / "generations" / toString(GenerationName{BatchId(batch), 1}) / "1.sst", 2,
            1);
    }
};

TEST_F(RepairedCopyTest, OfASoundOneLosesNothing) {
    const auto before = disk_.contents();
    const auto report = repair();
    TM_ASSERT_OK(report);
    EXPECT_EQ(report->checkpoint, BatchId(4));
    EXPECT_FALSE(report->lost);
    auto after = disk_.contents();
    std::erase_if(after, [](const auto& file) { return file.first.starts_with("/copy"); });
    EXPECT_EQ(after, before) << "the original is not changed";
    const auto recovered = startOnCopy();
    TM_ASSERT_OK(recovered);
    EXPECT_EQ(recovered->last.batch, BatchId(6));
    EXPECT_THAT(recovered->batches, SizeIs(2));
    EXPECT_EQ(bytesOf(*recovered->blocksOf(1)), std::string(500, static_cast<char>('a' + 6)));
    EXPECT_EQ(repair().error().kind, ErrorKind::kConflict) << "nothing is overwritten";
}

TEST_F(RepairedCopyTest, GoesUpToTheDamageAndSaysWhatIsLost) {
    const auto end = Lsn(10);  // of batch 5: blocks and records take turns
    damageFrame(end.value);
    EXPECT_EQ(refusal().kind, ErrorKind::kCorrupt);
    const auto report = repair();
    TM_ASSERT_OK(report);
    EXPECT_EQ(report->checkpoint, BatchId(4));
    EXPECT_EQ(report->lastLsn, Lsn(9));
    ASSERT_TRUE(report->lost);
    EXPECT_EQ(report->lost->first, Lsn(10));
    EXPECT_GE(report->lost->last, Lsn(11));
    EXPECT_EQ(report->readableFrames, 2u);
    EXPECT_EQ(report->readableRecords, 1u);
    const auto recovered = startOnCopy();
    TM_ASSERT_OK(recovered);
    EXPECT_EQ(recovered->last.batch, BatchId(4));
    EXPECT_EQ(bytesOf(recovered->log.pending), std::string(500, static_cast<char>('a' + 5)));
}

TEST_F(RepairedCopyTest, PassesOverCheckpointsThatAreNotSound) {
    damageCheckpoint(4);
    const auto report = repair();
    TM_ASSERT_OK(report);
    EXPECT_EQ(report->checkpoint, BatchId(2));
    EXPECT_FALSE(report->lost);
    ASSERT_THAT(report->unsound, SizeIs(1));
    const auto recovered = startOnCopy();
    TM_ASSERT_OK(recovered);
    EXPECT_EQ(recovered->last.batch, BatchId(6));
    EXPECT_THAT(recovered->batches, SizeIs(4));
}

TEST_F(RepairedCopyTest, WithoutACheckpointTheLogFromItsBeginningWillDo) {
    damageCheckpoint(2);
    damageCheckpoint(4);
    const auto report = repair();
    TM_ASSERT_OK(report);
    EXPECT_FALSE(report->checkpoint);
    const auto recovered = startOnCopy();
    TM_ASSERT_OK(recovered);
    EXPECT_THAT(recovered->batches, SizeIs(6));
}

TEST_F(RepairedCopyTest, WithNothingToBeginWithThereIsNone) {
    damageCheckpoint(2);
    damageCheckpoint(4);
    TM_ASSERT_OK(disk_.unlink(segments().front()));
    const auto report = repair();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, ErrorKind::kCorrupt);
    EXPECT_THAT(report.error().message, HasSubstr("nothing to begin with"));
    EXPECT_FALSE(disk_.exists(kCopy));
}

TEST_F(RepairedCopyTest, OneThatIsCutShortIsNotThere) {
    damageFrame(10);
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        TM_ASSERT_OK(disk_.removeTree(kCopy));
        TM_ASSERT_OK(disk_.syncDirectory("/"));
        FaultFileSystem faulty(disk_);
        faulty.arm(FaultFileSystem::Fault::kCrash, n);
        const auto made =
            repairInto(faulty, kDirectory, kCopy, ReadsAll(), [](const std::string&) {});
        if (!faulty.fired()) break;
        disk_.crash(SimulatedDisk::Fate::kRandom, n);
        if (!disk_.exists(kCopy)) {
            TM_ASSERT_OK(repair());
        }
        TM_EXPECT_OK(startOnCopy());
    }
}

}  // namespace
}  // namespace tidemill::recovery
