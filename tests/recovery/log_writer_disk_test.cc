// A log on a disk that fails, fills up or is taken away.
#include "tests/recovery/log_writer_fixture.h"

namespace tidemill::recovery {
namespace {

using LogWriterDiskTest = LogWriterTest;

TEST_F(LogWriterDiskTest, ErrorIsFinal) {
    FaultFileSystem faulty(disk_);
    auto life = start(faulty);
    std::atomic<int> errors = 0;
    std::atomic<std::uint64_t> reported = 0;
    life.log->onDurable([&](core::Result<Lsn> lsn) {
        if (lsn) {
            reported = lsn->value;
        } else {
            ++errors;
        }
    });
    TM_ASSERT_OK(life.append(plainBlock("a\n", 1)));
    faulty.arm(FaultFileSystem::Fault::kErrorOnce, 2);  // the write, then the sync
    const auto failed = life.append(plainBlock("b\n", 2));
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, ::testing::HasSubstr("sync"));
    const auto changes = faulty.changes();
    EXPECT_EQ(life.log->append(plainBlock("c\n", 3)), Outcome::kFailed);
    EXPECT_FALSE(life.log->appendRecord({}));
    EXPECT_FALSE(life.log->trim(Lsn(1)));
    EXPECT_FALSE(life.log->close());
    EXPECT_EQ(life.log->durable(), Lsn(1));
    EXPECT_EQ(reported, 1u);
    EXPECT_EQ(errors, 1);
    EXPECT_EQ(faulty.changes(), changes) << "nothing is written or synced after an error";
}

TEST_F(LogWriterDiskTest, FullDiskStopsNothingWhileTheSegmentHasRoomAndResumesByItself) {
    LogWriterOptions options = Life::writerOptions();
    options.prepareAhead = true;
    auto life = Life::start(disk_, Life::recoverOptions(), options);
    TM_ASSERT_OK(life);
    std::atomic<int> turns = 0;
    life->log->onSpaceLow([&](bool) { ++turns; });
    // Fill up: the present segment, the one prepared ahead, and no more.
    while (disk_.space("/")->freeBytes != 0) {
        disk_.setCapacity(0);
    }
    std::uint64_t line = 0;
    while (!life->log->spaceLow()) {
        ASSERT_EQ(life->log->append(plainBlock(std::string(900, 'x'), ++line)), Outcome::kQueued);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(life->log->append(plainBlock(std::string(900, 'x'), ++line)), Outcome::kQueued);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_LT(life->log->durable(), life->log->last());
    disk_.setCapacity(~std::uint64_t{0});
    TM_ASSERT_OK(life->log->waitDurable(life->log->last()));
    for (int i = 0; i < 500 && life->log->spaceLow(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_FALSE(life->log->spaceLow());
    EXPECT_EQ(turns, 2);
}

TEST_F(LogWriterDiskTest, ReserveMakesSpaceLowBeforeTheDiskIsFull) {
    LogWriterOptions options = Life::writerOptions();
    options.prepareAhead = true;
    options.reserveBytes = 1 << 20;
    disk_.setCapacity(512 << 10);
    auto life = Life::start(disk_, Life::recoverOptions(), options);
    TM_ASSERT_OK(life);
    for (int i = 0; i < 500 && !life->log->spaceLow(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(life->log->spaceLow());
    TM_EXPECT_OK(life->append(plainBlock("a\n")));
}

TEST_F(LogWriterDiskTest, WhoeverListensLateIsToldThatSpaceIsLow) {
    LogWriterOptions options = Life::writerOptions();
    options.prepareAhead = true;
    options.reserveBytes = 1 << 20;
    disk_.setCapacity(512 << 10);
    auto life = Life::start(disk_, Life::recoverOptions(), options);
    TM_ASSERT_OK(life);
    for (int i = 0; i < 500 && !life->log->spaceLow(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::vector<bool> reported;
    life->log->onSpaceLow([&](bool low) { reported.push_back(low); });
    EXPECT_EQ(reported, std::vector<bool>{true});
    TM_ASSERT_OK(life->log->close());
}

TEST_F(LogWriterDiskTest, ClosingOnAFullDiskGivesUpWithoutLosingWhatWasAcknowledged) {
    std::uint64_t durable = 0;
    {
        auto life = start(disk_);
        disk_.setCapacity(0);
        for (std::uint64_t i = 1; i <= 10; ++i)
            (void)life.log->append(plainBlock(std::string(900, 'x'), i));
        const auto closed = life.log->close();
        ASSERT_FALSE(closed);
        EXPECT_EQ(closed.error().kind, ErrorKind::kNoSpace);
        durable = life.log->durable().value;
        EXPECT_GT(durable, 0u);
    }
    disk_.setCapacity(~std::uint64_t{0});
    EXPECT_EQ(restart().recovered.log.pending.size(), durable);
}

TEST_F(LogWriterDiskTest, ADirectoryThatIsNoLongerOursEndsTheLogAndNothingIsWrittenThere) {
    std::atomic<bool> ours = true;
    LogWriterOptions options = Life::writerOptions();
    options.prepareAhead = true;
    options.stillOurs = [&]() -> core::Result<> {
        if (ours) return {};
        return core::fail(core::ErrorKind::kConflict, "DIR was replaced");
    };
    auto life = Life::start(disk_, Life::recoverOptions(), options);
    TM_ASSERT_OK(life);
    std::atomic<int> errors = 0;
    life->log->onDurable([&](const core::Result<core::Lsn>& result) { errors += !result; });
    TM_ASSERT_OK(life->append(plainBlock("x\n")));
    ours = false;
    for (int i = 0; i < 2000 && errors == 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(errors, 1) << "seen within a second or so, though nothing is appended";
    const auto before = disk_.contents();
    EXPECT_EQ(life->log->append(plainBlock("x\n", 2)), Outcome::kFailed);
    const auto closed = life->log->close();
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().kind, core::ErrorKind::kConflict);
    life->log.reset();
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(LogWriterDiskTest, NobodyIsToldOfTheDiskBehindTheEnd) {
    LogWriterOptions options = Life::writerOptions();
    options.prepareAhead = true;
    options.reserveBytes = 1 << 20;
    for (int round = 0; round < 50; ++round) {
        disk_.setCapacity(~std::uint64_t{0});
        auto life = Life::start(disk_, Life::recoverOptions(), options);
        TM_ASSERT_OK(life);
        auto alive = std::make_unique<std::atomic<bool>>(true);
        std::atomic<bool> late = false;
        life->log->onSpaceLow([&, raw = alive.get()](bool) { late = late || !*raw; });
        disk_.setCapacity(disk_.space("/")->totalBytes - disk_.space("/")->freeBytes);
        TM_ASSERT_OK(life->log->close());
        *alive = false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        disk_.setCapacity(~std::uint64_t{0});
        EXPECT_FALSE(late);
    }
}

}  // namespace
}  // namespace tidemill::recovery
