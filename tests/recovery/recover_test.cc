#include "recovery/recover.h"

#include <gtest/gtest.h>

#include "core/byte_codec.h"
#include "core/crc32c.h"
#include "core/logging.h"
#include "recovery/frame.h"
#include "recovery/inspect.h"
#include "recovery/log_scan.h"
#include "tests/recovery/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::recovery {
namespace {

using core::BatchId;
using core::ErrorKind;
using core::Lsn;
using core::Path;
using tidemill::testing::FaultFileSystem;
using tidemill::testing::SimulatedDisk;

class RecoverTest : public ::testing::Test {
protected:
    Life start(RecoverOptions options = Life::recoverOptions()) {
        auto life = Life::start(disk_, std::move(options));
        EXPECT_TRUE(succeeded(life));
        return life ? std::move(*life) : Life();
    }
    core::Error refusal(RecoverOptions options = Life::recoverOptions()) {
        auto life = Life::start(disk_, std::move(options));
        EXPECT_FALSE(life);
        return life ? core::Error() : life.error();
    }

    // The state is one file, opaque here.
    core::Result<GenerationName> checkpoint(Life& life, const core::BatchRecord& at) {
        Generations generations(disk_, life.directory->generationsPath());
        core::BatchMark mark;
        mark.batch = at.batch;
        mark.time = at.time;
        mark.endLsn = at.endLsn;
        mark.fingerprint = at.fingerprint;
        return generations.publish(
            mark, [&](const Path& into) -> core::Result<std::vector<core::CheckpointFile>> {
                TM_ASSIGN(auto file, disk_.open(into / "1.sst", core::OpenMode::kCreate));
                TM_TRY(file->writeAt(0, "state at " + toString(at.batch)));
                return std::vector<core::CheckpointFile>{{"1.sst", 0, "", ""}};
            });
    }

    // Batches 1 … 6, each of one 500-byte block; checkpoints after 2 and 4.
    void runSixBatches() {
        auto life = start();
        for (std::uint64_t i = 1; i <= 6; ++i) {
            TM_ASSERT_OK(life.append(plainBlock(std::string(500, static_cast<char>('a' + i)), i)));
            const auto record = life.record(BatchId(i));
            TM_ASSERT_OK(record);
            TM_ASSERT_OK(life.log->waitDurable(life.log->last()));
            if (i == 2 || i == 4) {
                TM_ASSERT_OK(checkpoint(life, *record));
            }
        }
    }

    std::vector<Path> segments() {
        std::vector<Path> paths;
        const auto names = listSegments(disk_, kDirectory / "wal");
        for (const auto& name : *names) paths.push_back(kDirectory / "wal" / toString(name));
        return paths;
    }

    // Flips a byte inside the frame of `lsn`.
    void damageFrame(std::uint64_t lsn) {
        LogScanOptions options;
        options.skipBelow = false;
        Path path;
        std::uint64_t offset = 0;
        options.visit = [&](const SegmentScan& segment, const Frame& frame) -> core::Result<> {
            if (frame.header.lsn != Lsn(lsn)) return {};
            path = kDirectory / "wal" / toString(segment.name);
            offset = frame.offset + 30;
            return {};
        };
        const auto format = readDirectoryFormat(disk_, kDirectory);
        TM_ASSERT_OK(scanLog(disk_, kDirectory / "wal", format->uuid, options));
        ASSERT_NE(offset, 0u);
        disk_.damage(path, offset, 0x10);
    }

    SimulatedDisk disk_;
};

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

TEST_F(RecoverTest, DamageBelowVouchedLsnIsRefusedAndNothingChanges) {
    runSixBatches();
    damageFrame(10);
    const auto before = disk_.contents();
    const auto error = refusal();
    EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
    EXPECT_THAT(error.message, ::testing::HasSubstr("LSN 10"));
    EXPECT_THAT(error.message, ::testing::HasSubstr("offset="));
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(RecoverTest, DamageBelowTheCheckpointIsReportedAndCostsNothing) {
    runSixBatches();
    // In the segment that is needed still, in front of what is needed.
    damageFrame(6);
    auto life = start();
    EXPECT_EQ(life.recovered.batches.size(), 2u);
    EXPECT_EQ(life.recovered.warnings.size(), 1u);
    TM_EXPECT_OK(life.recovered.blocksOf(0));
}

TEST_F(RecoverTest, DamagedCheckpointFallsBackToTheOlderOneAndIsSetAside) {
    runSixBatches();
    disk_.damage(kDirectory / "generations/00000000000000000004-0001/1.sst", 1, 1);
    {
        auto life = start();
        EXPECT_EQ(life.recovered.mark->batch, BatchId(2));
        EXPECT_EQ(life.recovered.batches.size(), 4u);
        EXPECT_EQ(bytesOf(*life.recovered.blocksOf(0)), std::string(500, 'd'));
        EXPECT_EQ(life.recovered.warnings.size(), 1u);
        Generations generations(disk_, life.directory->generationsPath());
        EXPECT_EQ(generations.list()->size(), 1u);
        EXPECT_EQ(*generations.trimPoint(), Lsn(0)) << "the damaged one must not count";
    }
    EXPECT_EQ(start().recovered.mark->batch, BatchId(2));
}

TEST_F(RecoverTest, WithoutAnyUsableCheckpointTheWholeLogIsReplayedIfItIsThere) {
    runSixBatches();
    for (const char* name : {"00000000000000000004-0001", "00000000000000000002-0001"})
        disk_.damage(kDirectory / "generations" / name / "MANIFEST.tidemill", 20, 1);
    auto life = start();
    EXPECT_FALSE(life.recovered.mark);
    EXPECT_EQ(life.recovered.batches.size(), 6u);
}

TEST_F(RecoverTest, TrimmedLogWithoutACheckpointIsRefused) {
    runSixBatches();
    {
        auto life = start();
        for (std::uint64_t i = 0; i < 20; ++i)
            TM_ASSERT_OK(life.append(plainBlock(std::string(500, 'z'), i + 1)));
        TM_ASSERT_OK(life.log->trim(Lsn(12)));
    }
    for (const char* name : {"00000000000000000004-0001", "00000000000000000002-0001"})
        disk_.damage(kDirectory / "generations" / name / "MANIFEST.tidemill", 20, 1);
    EXPECT_THAT(refusal().message, ::testing::HasSubstr("no checkpoint can be used"));
}

TEST_F(RecoverTest, MissingLogIsRefused) {
    { start(); }
    for (const auto& path : segments()) TM_ASSERT_OK(disk_.unlink(path));
    EXPECT_THAT(refusal().message, ::testing::HasSubstr("the log is missing"));
}

TEST_F(RecoverTest, MissingSegmentInTheMiddleIsRefused) {
    {
        auto life = start();
        for (std::uint64_t i = 1; i <= 30; ++i)
            TM_ASSERT_OK(life.append(plainBlock(std::string(500, 'x'), i)));
    }
    const auto paths = segments();
    ASSERT_GE(paths.size(), 4u);
    TM_ASSERT_OK(disk_.unlink(paths[1]));
    EXPECT_THAT(refusal().message, ::testing::HasSubstr("damaged or missing"));
}

TEST_F(RecoverTest, DamagedHeaderOfANeededSegmentIsRefused) {
    runSixBatches();
    disk_.damage(segments().back(), 20, 1);
    const auto before = disk_.contents();
    EXPECT_EQ(refusal().kind, ErrorKind::kCorrupt);
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(RecoverTest, BatchesOfAnotherJobAreRefusedWithAdvice) {
    runSixBatches();
    auto options = Life::recoverOptions();
    options.fingerprint = 43;
    const auto before = disk_.contents();
    const auto error = refusal(options);
    EXPECT_EQ(error.kind, ErrorKind::kConflict);
    EXPECT_THAT(error.message, ::testing::HasSubstr("batches 5 to 6"));
    EXPECT_THAT(error.message, ::testing::HasSubstr("gracefully"));
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(RecoverTest, AnotherJobMayStartWhenNothingWaits) {
    runSixBatches();
    {
        auto life = start();
        TM_ASSERT_OK(checkpoint(life, life.recovered.batches.back()));
    }
    auto options = Life::recoverOptions();
    options.fingerprint = 43;
    EXPECT_EQ(start(options).recovered.mark->batch, BatchId(6));
}

TEST_F(RecoverTest, MarkIsJudgedBeforeAnythingIsWritten) {
    runSixBatches();
    auto options = Life::recoverOptions();
    options.fitJob = [](const std::optional<core::BatchMark>& mark) -> JobFit {
        EXPECT_EQ(mark.value().batch, BatchId(4));
        return {0, core::fail(ErrorKind::kConflict, "operator totals changed")};
    };
    const auto before = disk_.contents();
    EXPECT_EQ(refusal(options).message, "operator totals changed");
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(RecoverTest, NewerCheckpointFormatIsRefusedInsteadOfGoingBack) {
    runSixBatches();
    const auto path = kDirectory / "generations/00000000000000000004-0001/MANIFEST.tidemill";
    auto bytes = readAll(disk_, path);
    bytes[10] = 9;
    bytes.resize(bytes.size() - 4);
    core::ByteWriter out;
    out.raw(bytes.data(), bytes.size());
    out.u32(core::crc32c(0, bytes.data(), bytes.size()));
    {
        auto file = disk_.open(path, core::OpenMode::kReplace);
        TM_ASSERT_OK((*file)->writeAt(0, out.bytes()));
    }
    EXPECT_EQ(refusal().kind, ErrorKind::kUnsupported);
}

TEST_F(RecoverTest, SuspectCheckpointIsReadInFullAndClearedWhenSound) {
    runSixBatches();
    const GenerationName newest{BatchId(4)};
    Generations generations(disk_, kDirectory / "generations");
    TM_ASSERT_OK(generations.markSuspect(newest));
    auto options = Life::recoverOptions();
    int reads = 0;
    options.readsAll = [&](const Path&, const Manifest&) -> core::Result<> {
        ++reads;
        return {};
    };
    { EXPECT_EQ(start(options).recovered.mark->batch, BatchId(4)); }
    EXPECT_EQ(reads, 1);
    EXPECT_FALSE(generations.suspect(newest));
    { EXPECT_EQ(start(options).recovered.mark->batch, BatchId(4)); }
    EXPECT_EQ(reads, 1);
}

TEST_F(RecoverTest, FullDiskDoesNotKeepItFromStarting) {
    runSixBatches();
    std::uint64_t used = 0;
    for (const auto& [path, bytes] : disk_.contents()) used += bytes.size();
    disk_.setCapacity(used + 8000);
    auto options = Life::recoverOptions();
    options.segmentBytes = 64 << 10;
    auto life = start(options);
    EXPECT_EQ(life.recovered.batches.size(), 2u);
    EXPECT_EQ(life.log->append(plainBlock("a\n")), core::BlockLog::Outcome::kQueued);
    disk_.setCapacity(~std::uint64_t{0});
    TM_EXPECT_OK(life.log->waitDurable(life.log->last()));
}

// Every byte of a log that is known durable: the damage is refused, or it makes no difference.
TEST_F(RecoverTest, EveryFlippedByteIsRefusedOrHarmless) {
    runSixBatches();
    { start(); }  // now the newest segment's header calls everything durable
    std::string expected;
    const auto describe = [](const Recovered& recovered) {
        std::string all = toString(recovered.last.batch) + "|";
        for (std::size_t i = 0; i < recovered.batches.size(); ++i)
            all += bytesOf(recovered.blocksOf(i).value());
        return all + toString(recovered.log.last);
    };
    const auto image = disk_.contents();
    const auto restore = [&](SimulatedDisk& disk) {
        (void)disk.createDirectory(kDirectory);
        for (const char* part : {"wal", "generations", "work"})
            (void)disk.createDirectory(kDirectory / part);
        for (const auto& [path, bytes] : image) {
            (void)disk.createDirectory(Path(path).parent_path());
            (void)(*disk.open(path, core::OpenMode::kReplace))->writeAt(0, bytes);
        }
    };
    {
        SimulatedDisk disk;
        restore(disk);
        auto life = Life::start(disk);
        TM_ASSERT_OK(life);
        expected = describe(life->recovered);
    }
    core::setLogLevel(core::LogLevel::kOff);
    int refused = 0;
    for (const auto& path : segments()) {
        const auto size = image.at(path.string()).size();
        for (std::uint64_t offset = 0; offset < size; ++offset) {
            SimulatedDisk disk;
            restore(disk);
            disk.damage(path, offset, 0x20);
            auto life = Life::start(disk);
            if (life) {
                ASSERT_EQ(describe(life->recovered), expected) << path << " offset " << offset;
            } else {
                ++refused;
                ASSERT_EQ(life.error().kind, ErrorKind::kCorrupt)
                    << life.error().message << " offset " << offset;
            }
        }
    }
    core::setLogLevel(core::LogLevel::kInfo);
    EXPECT_GT(refused, 1000) << "the two batches after the checkpoint are needed";
}

}  // namespace
}  // namespace tidemill::recovery
