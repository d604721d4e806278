// What a start finds in an undamaged directory, whatever was cut off.
#include "tests/recovery/recover_fixture.h"

namespace tidemill::recovery {
namespace {

TEST_F(RecoverTest, NewDirectoryStartsEmpty) {
    auto life = start();
    EXPECT_FALSE(life.recovered.mark);
    EXPECT_EQ(life.recovered.last.zeroTime, BatchTime{});
    EXPECT_EQ(life.recovered.last.batch, BatchId(0));
    EXPECT_TRUE(life.recovered.batches.empty());
    EXPECT_TRUE(life.recovered.log.pending.empty());
    EXPECT_EQ(life.log->epoch(), 1u);
    EXPECT_EQ(life.log->last(), Lsn(0));
    EXPECT_TRUE(life.directory->format().logStarted);
    EXPECT_TRUE(disk_.list(life.recovered.work)->empty());
}

TEST_F(RecoverTest, EpochGrowsWithEveryStart) {
    for (std::uint32_t epoch = 1; epoch <= 4; ++epoch) {
        EXPECT_EQ(start().log->epoch(), epoch);
        EXPECT_EQ(segments().size(), 1u) << "an empty segment is replaced, not kept";
    }
}

TEST_F(RecoverTest, BatchesAfterTheCheckpointAreReplayedWithTheirOwnBlocks) {
    runSixBatches();
    auto life = start();
    const auto& recovered = life.recovered;
    ASSERT_TRUE(recovered.mark);
    EXPECT_EQ(recovered.mark->batch, BatchId(4));
    EXPECT_EQ(readAll(disk_, recovered.work / "1.sst"), "state at 4");
    ASSERT_EQ(recovered.batches.size(), 2u);
    EXPECT_EQ(recovered.batches[0].batch, BatchId(5));
    EXPECT_EQ(recovered.last.batch, BatchId(6));
    EXPECT_EQ(recovered.last.time, fromMillis(6000));
    for (std::size_t i = 0; i < 2; ++i) {
        const auto blocks = recovered.blocksOf(i);
        TM_ASSERT_OK(blocks);
        EXPECT_EQ(bytesOf(*blocks), std::string(500, static_cast<char>('a' + 5 + i)));
        EXPECT_EQ(blocks->front()->origin().firstLine, 5 + i);
        EXPECT_EQ(blocks->front()->lsn(), recovered.batches[i].endLsn);
    }
    EXPECT_TRUE(recovered.log.pending.empty());
}

TEST_F(RecoverTest, BlocksBehindTheLastRecordBelongToTheNextBatch) {
    runSixBatches();
    {
        auto life = start();
        TM_ASSERT_OK(life.append(sessionBlock("later\n", "s", 1)));
    }
    auto life = start();
    EXPECT_EQ(life.recovered.batches.size(), 2u);
    EXPECT_EQ(bytesOf(life.recovered.log.pending), "later\n");
    EXPECT_EQ(bytesOf(life.log->take(100)), "later\n");
    EXPECT_EQ(life.log->sessionLines("s"), 1u);
}

TEST_F(RecoverTest, SegmentsThatWereHalfRemovedAreRemoved) {
    runSixBatches();
    const Path aside = segments().front().string() + ".removed";
    {
        auto file = disk_.open(aside, core::OpenMode::kCreate);
        TM_ASSERT_OK(file);
        TM_ASSERT_OK((*file)->writeAt(0, "what is left of it"));
    }
    auto life = start();
    EXPECT_EQ(life.recovered.batches.size(), 2u);
    EXPECT_FALSE(disk_.exists(aside));
}

TEST_F(RecoverTest, FramesInThePageCacheOnlyAreCopiedAndThenSurvivePowerLoss) {
    FaultFileSystem faulty(disk_);
    {
        auto life = Life::start(faulty);
        TM_ASSERT_OK(life);
        TM_ASSERT_OK(life->append(plainBlock("synced\n", 1)));
        // The write happens, the sync does not: the process is killed in between.
        faulty.arm(FaultFileSystem::Fault::kCrash, 2);
        EXPECT_FALSE(life->append(plainBlock("cached\n", 2)));
    }
    disk_.crash(SimulatedDisk::Fate::kKeepAll);
    { EXPECT_EQ(bytesOf(start().recovered.log.pending), "synced\ncached\n"); }
    disk_.crash(SimulatedDisk::Fate::kLoseAll);
    EXPECT_EQ(bytesOf(start().recovered.log.pending), "synced\ncached\n");
}

TEST_F(RecoverTest, WhatWasCutStaysCutAfterPowerLoss) {
    FaultFileSystem faulty(disk_);
    {
        auto life = Life::start(faulty);
        TM_ASSERT_OK(life);
        TM_ASSERT_OK(life->append(plainBlock("synced\n", 1)));
        faulty.arm(FaultFileSystem::Fault::kCrash, 2);
        EXPECT_FALSE(life->append(plainBlock("cached\n", 2)));
    }
    disk_.crash(SimulatedDisk::Fate::kKeepAll);
    { start(); }
    disk_.crash(SimulatedDisk::Fate::kLoseAll);
    const auto found = inspectLog(disk_, kDirectory);
    TM_ASSERT_OK(found);
    // The frame of LSN 2 calls LSN 1 durable: D is 1.
    ASSERT_EQ(found->segments.size(), 2u);
    EXPECT_EQ(found->segments[0].lastLsn, Lsn(1));
    EXPECT_EQ(found->segments[0].sizeBytes, found->segments[0].usedBytes);
    EXPECT_EQ(found->segments[1].firstLsn, Lsn(2));
}

TEST_F(RecoverTest, WhatWasVoidedStaysAwayAfterPowerLoss) {
    { start(); }
    { start(); }
    ASSERT_EQ(segments().size(), 1u);
    const auto left = segments();
    disk_.crash(SimulatedDisk::Fate::kLoseAll);
    EXPECT_EQ(segments(), left);
}

TEST_F(RecoverTest, TwiceChangesNothing) {
    runSixBatches();
    std::vector<std::string> seen;
    for (int i = 0; i < 3; ++i) {
        auto life = start();
        std::string all = toString(life.recovered.mark->batch) + "|";
        for (std::size_t b = 0; b < life.recovered.batches.size(); ++b)
            all += toString(life.recovered.batches[b].batch) + bytesOf(*life.recovered.blocksOf(b));
        seen.push_back(all + "|" + bytesOf(life.recovered.log.pending));
        EXPECT_EQ(life.recovered.log.last, Lsn(12));
    }
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(seen[0], seen[2]);
}

}  // namespace
}  // namespace tidemill::recovery
