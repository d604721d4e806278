// Damaged, missing and foreign files: refused in words, or harmless.
#include "tests/recovery/recover_fixture.h"

namespace tidemill::recovery {
namespace {

using RecoverDamageTest = RecoverTest;

TEST_F(RecoverDamageTest, DamageBelowVouchedLsnIsRefusedAndNothingChanges) {
    runSixBatches();
    damageFrame(10);
    const auto before = disk_.contents();
    const auto error = refusal();
    EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
    EXPECT_THAT(error.message, ::testing::HasSubstr("LSN 10"));
    EXPECT_THAT(error.message, ::testing::HasSubstr("offset="));
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(RecoverDamageTest, DamageBelowTheCheckpointIsReportedAndCostsNothing) {
    runSixBatches();
    // In the segment that is needed still, in front of what is needed.
    damageFrame(6);
    auto life = start();
    EXPECT_EQ(life.recovered.batches.size(), 2u);
    EXPECT_EQ(life.recovered.warnings.size(), 1u);
    TM_EXPECT_OK(life.recovered.blocksOf(0));
}

TEST_F(RecoverDamageTest, DamagedCheckpointFallsBackToTheOlderOneAndIsSetAside) {
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

TEST_F(RecoverDamageTest, WithoutAnyUsableCheckpointTheWholeLogIsReplayedIfItIsThere) {
    runSixBatches();
    for (const char* name : {"00000000000000000004-0001", "00000000000000000002-0001"})
        disk_.damage(kDirectory / "generations" / name / "MANIFEST.tidemill", 20, 1);
    auto life = start();
    EXPECT_FALSE(life.recovered.mark);
    EXPECT_EQ(life.recovered.batches.size(), 6u);
}

TEST_F(RecoverDamageTest, TrimmedLogWithoutACheckpointIsRefused) {
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

TEST_F(RecoverDamageTest, MissingLogIsRefused) {
    { start(); }
    for (const auto& path : segments()) TM_ASSERT_OK(disk_.unlink(path));
    EXPECT_THAT(refusal().message, ::testing::HasSubstr("the log is missing"));
}

TEST_F(RecoverDamageTest, MissingSegmentInTheMiddleIsRefused) {
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

TEST_F(RecoverDamageTest, DamagedHeaderOfANeededSegmentIsRefused) {
    runSixBatches();
    disk_.damage(segments().back(), 20, 1);
    const auto before = disk_.contents();
    EXPECT_EQ(refusal().kind, ErrorKind::kCorrupt);
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(RecoverDamageTest, BatchesOfAnotherJobAreRefusedWithAdvice) {
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

TEST_F(RecoverDamageTest, AnotherJobMayStartWhenNothingWaits) {
    runSixBatches();
    {
        auto life = start();
        TM_ASSERT_OK(checkpoint(life, life.recovered.batches.back()));
    }
    auto options = Life::recoverOptions();
    options.fingerprint = 43;
    EXPECT_EQ(start(options).recovered.mark->batch, BatchId(6));
}

TEST_F(RecoverDamageTest, MarkIsJudgedBeforeAnythingIsWritten) {
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

TEST_F(RecoverDamageTest, NewerCheckpointFormatIsRefusedInsteadOfGoingBack) {
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

TEST_F(RecoverDamageTest, SuspectCheckpointIsReadInFullAndClearedWhenSound) {
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

TEST_F(RecoverDamageTest, FullDiskDoesNotKeepItFromStarting) {
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
TEST_F(RecoverDamageTest, EveryFlippedByteIsRefusedOrHarmless) {
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
