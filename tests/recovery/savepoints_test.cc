// Savepoints: whole or not there, whatever happens while they are made or removed, and a start on
// a directory that begins with one.
#include "recovery/savepoints.h"

#include <gmock/gmock.h>

#include "recovery/savepoint_fork.h"
#include "tests/recovery/recover_fixture.h"

namespace tidemill::recovery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Path kFork = "/fork";

class SavepointsTest : public RecoverTest {
protected:
    // Checkpoints of batches 2 and 4, six batches in the log.
    void SetUp() override { ASSERT_NO_FATAL_FAILURE(runSixBatches()); }

    Path generation(std::uint64_t batch) {
        return Generations(disk_, kDirectory / "generations").pathOf({BatchId(batch), 1});
    }
    static core::Result<BackupReport> fork(core::FileSystem& files) {
        LogUuid identity;
        identity.bytes.fill(0xAA);
        return forkSavepoint(files, kDirectory / "savepoints" / "friday", kFork, ReadsAll(),
                             {identity, false});
    }
    static void expectWhole(core::FileSystem& files, const Savepoints& savepoints) {
        const auto manifest = savepoints.manifest("friday");
        TM_ASSERT_OK(manifest);
        EXPECT_EQ(manifest->mark.batch, BatchId(2));
        TM_EXPECT_OK(
            verifyCheckpoint(files, savepoints.pathOf("friday"), *manifest, false, ReadsAll()));
    }

    Savepoints savepoints_{disk_, kDirectory};
};

TEST_F(SavepointsTest, OneSurvivesPowerLossAndTheCheckpointItWasMadeOf) {
    EXPECT_THAT(*savepoints_.names(), IsEmpty());
    TM_ASSERT_OK(savepoints_.make("friday", generation(2)));
    disk_.crash(SimulatedDisk::Fate::kLoseAll);
    Generations generations(disk_, kDirectory / "generations");
    TM_ASSERT_OK(generations.remove({BatchId(2), 1}));
    EXPECT_THAT(*savepoints_.names(), ElementsAre("friday"));
    expectWhole(disk_, savepoints_);
    // A start leaves it alone.
    start();
    expectWhole(disk_, savepoints_);
}

TEST_F(SavepointsTest, NamesThatAreNoneOrTakenAreRefused) {
    for (const char* name : {"", "1st", ".x", "-x", "a/b", "..", "a b", "x.tmp", "x.removed", "é",
                             "a234567890123456789012345678901234567890123456789012345678901234x"})
        EXPECT_EQ(savepoints_.make(name, generation(2)).error().kind, ErrorKind::kInvalid) << name;
    for (const char* name : {"a", "Friday-2026.11_27"})
        TM_EXPECT_OK(savepoints_.make(name, generation(2)));
    EXPECT_EQ(savepoints_.make("a", generation(4)).error().kind, ErrorKind::kConflict);
    const auto none = savepoints_.manifest("b");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
    EXPECT_THAT(none.error().message, HasSubstr("there are: Friday-2026.11_27, a"));
    EXPECT_EQ(savepoints_.make("b", generation(3)).error().kind, ErrorKind::kNotFound);
    EXPECT_THAT(*savepoints_.names(), ElementsAre("Friday-2026.11_27", "a"));
}

TEST_F(SavepointsTest, ThereIsALimit) {
    for (std::size_t i = 0; i < kSavepointsMax; ++i)
        TM_ASSERT_OK(savepoints_.make("s" + std::to_string(i), generation(2)));
    const auto more = savepoints_.make("more", generation(2));
    ASSERT_FALSE(more);
    EXPECT_THAT(more.error().message, HasSubstr("remove one first"));
    TM_ASSERT_OK(savepoints_.remove("s7"));
    TM_EXPECT_OK(savepoints_.make("more", generation(2)));
}

// At every operation: the process dies and the power fails, or the disk answers with an error.
TEST_F(SavepointsTest, MakingThatIsCutShortLeavesOneOrNone) {
    int without = 0, with = 0;
    for (const auto fault : {FaultFileSystem::Fault::kCrash, FaultFileSystem::Fault::kErrorOnce}) {
        for (std::uint64_t n = 1;; ++n) {
            SCOPED_TRACE("operation " + std::to_string(n));
            (void)savepoints_.remove("friday");
            FaultFileSystem faulty(disk_);
            faulty.arm(fault, n);
            const auto made = Savepoints(faulty, kDirectory).make("friday", generation(2));
            if (!faulty.fired()) break;
            faulty.arm(FaultFileSystem::Fault::kNone, 0);
            disk_.crash(SimulatedDisk::Fate::kRandom, n);
            start();  // removes what was left half made
            for (const auto& name :
                 disk_.list(kDirectory / "savepoints").value_or(std::vector<std::string>()))
                EXPECT_EQ(name, "friday");
            if (savepoints_.names()->empty()) {
                ++without;
                EXPECT_FALSE(made);
                TM_EXPECT_OK(savepoints_.make("friday", generation(2)));
            } else {
                ++with;
            }
            expectWhole(disk_, savepoints_);
        }
    }
    EXPECT_GT(without, 5);
    EXPECT_GT(with, 0);
}

TEST_F(SavepointsTest, RemovingThatIsCutShortLeavesOneOrNone) {
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        (void)savepoints_.removeLeftovers();
        if (savepoints_.names()->empty()) {
            TM_ASSERT_OK(savepoints_.make("friday", generation(2)));
        }
        FaultFileSystem faulty(disk_);
        faulty.arm(FaultFileSystem::Fault::kCrash, n);
        const auto removed = Savepoints(faulty, kDirectory).remove("friday");
        if (!faulty.fired()) break;
        disk_.crash(SimulatedDisk::Fate::kRandom, n);
        if (!savepoints_.names()->empty()) expectWhole(disk_, savepoints_);
        TM_EXPECT_OK(Generations(disk_, kDirectory / "generations").verify({BatchId(2), 1}));
    }
    EXPECT_EQ(savepoints_.remove("saturday").error().kind, ErrorKind::kNotFound);
}

TEST_F(SavepointsTest, AForkBeginsWithItsStateAndAnEmptyLogBehindIt) {
    TM_ASSERT_OK(savepoints_.make("friday", generation(2)));
    const auto end = savepoints_.manifest("friday")->mark.endLsn;
    const auto report = fork(disk_);
    TM_ASSERT_OK(report);
    EXPECT_EQ(report->checkpoint, BatchId(2));
    EXPECT_FALSE(fork(disk_)) << "nothing is overwritten";
    disk_.crash(SimulatedDisk::Fate::kLoseAll);
    for (int life = 0; life < 2; ++life) {
        auto directory = DataDirectory::open(disk_, kFork, DataDirectory::Locking::kNone);
        TM_ASSERT_OK(directory);
        EXPECT_TRUE((*directory)->outputsOff());
        EXPECT_NE((*directory)->identity(), (*directory)->uuid());
        const auto recovered = recover(**directory, Life::recoverOptions());
        TM_ASSERT_OK(recovered);
        EXPECT_EQ(recovered->last.batch, BatchId(2));
        EXPECT_EQ(recovered->last.endLsn, end);
        EXPECT_THAT(recovered->batches, IsEmpty());
        EXPECT_THAT(recovered->log.pending, IsEmpty());
        EXPECT_THAT(recovered->warnings, IsEmpty());
        EXPECT_EQ(readAll(disk_, recovered->work / "1.sst"), "state at 2");
    }
}

TEST_F(SavepointsTest, AForkThatIsCutShortIsNotThere) {
    TM_ASSERT_OK(savepoints_.make("friday", generation(2)));
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        TM_ASSERT_OK(disk_.removeTree(kFork));
        TM_ASSERT_OK(disk_.syncDirectory("/"));
        FaultFileSystem faulty(disk_);
        faulty.arm(FaultFileSystem::Fault::kCrash, n);
        const auto made = fork(faulty);
        if (!faulty.fired()) break;
        disk_.crash(SimulatedDisk::Fate::kRandom, n);
        if (!disk_.exists(kFork)) {
            TM_ASSERT_OK(fork(disk_));
        }
        auto directory = DataDirectory::open(disk_, kFork, DataDirectory::Locking::kNone);
        TM_ASSERT_OK(directory);
        TM_EXPECT_OK(recover(**directory, Life::recoverOptions()));
    }
}

TEST_F(SavepointsTest, ADamagedOneIsNotForked) {
    TM_ASSERT_OK(savepoints_.make("friday", generation(2)));
    disk_.damage(kDirectory / "savepoints" / "friday" / "1.sst", 2, 1);
    const auto report = fork(disk_);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().kind, ErrorKind::kCorrupt);
    EXPECT_FALSE(disk_.exists(kFork));
    EXPECT_FALSE(disk_.exists("/fork.tmp"));
}

}  // namespace
}  // namespace tidemill::recovery
