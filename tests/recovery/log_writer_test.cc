#include "tests/recovery/log_writer_fixture.h"

namespace tidemill::recovery {
namespace {

TEST_F(LogWriterTest, WhatIsDurableComesBackAfterPowerLoss) {
    {
        auto life = start(disk_);
        TM_ASSERT_OK(life.append(plainBlock("a\n", 1)));
        TM_ASSERT_OK(life.append(sessionBlock("b\nc\n", "s", 1, 2)));
        EXPECT_EQ(life.log->durable(), Lsn(2));
        disk_.crash(SimulatedDisk::Fate::kLoseAll);
    }
    auto life = start(disk_);
    EXPECT_EQ(bytesOf(life.recovered.log.pending), "a\nb\nc\n");
    EXPECT_EQ(life.log->sessionLines("s"), 2u);
    EXPECT_EQ(life.log->pendingBlocks(), 2u);
    EXPECT_EQ(life.recovered.log.pending[1]->origin().firstLine, 1u);
    EXPECT_EQ(life.recovered.log.pending[1]->origin().lines, 2u);
}

TEST_F(LogWriterTest, GhostOfAnOlderConnectionAppendsNothing) {
    auto life = start(disk_);
    EXPECT_EQ(life.log->append(sessionBlock("a\n", "s", 1)), Outcome::kQueued);
    EXPECT_EQ(life.log->append(sessionBlock("a\n", "s", 1)), Outcome::kStale);
    EXPECT_EQ(life.log->append(sessionBlock("c\n", "s", 3)), Outcome::kStale);
    EXPECT_EQ(life.log->append(sessionBlock("b\n", "t", 2)), Outcome::kStale);
    EXPECT_EQ(life.log->append(sessionBlock("b\n", "s", 2)), Outcome::kQueued);
    EXPECT_EQ(life.log->last(), Lsn(2));
    EXPECT_EQ(life.log->sessionLines("s"), 2u);
    EXPECT_EQ(life.log->sessionLines("t"), 0u);
    EXPECT_EQ(life.log->laneCount(), 1u);
}

TEST_F(LogWriterTest, OversizeLinesKeepTheirNumbers) {
    auto life = start(disk_);
    core::BlockOrigin origin{core::SourceId(0), 0, "", 1, 0, 3};
    core::setLineLane(origin, "s");
    EXPECT_EQ(life.log->append(makeBlock("", std::move(origin))), Outcome::kQueued);
    EXPECT_EQ(life.log->sessionLines("s"), 3u);
}

TEST_F(LogWriterTest, TakeGivesBlocksInOrderUpToTheLimitButAtLeastOne) {
    auto life = start(disk_);
    for (int i = 0; i < 4; ++i) (void)life.log->append(plainBlock("0123456789", 1));
    EXPECT_EQ(life.log->pendingBlocks(), 4u);
    auto taken = life.log->take(5);
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0]->lsn(), Lsn(1));
    taken = life.log->take(25);
    ASSERT_EQ(taken.size(), 2u);
    EXPECT_EQ(taken[1]->lsn(), Lsn(3));
    EXPECT_EQ(life.log->pendingBlocks(), 1u);
    EXPECT_EQ(life.log->take(100).size(), 1u);
    EXPECT_TRUE(life.log->take(100).empty());
}

TEST_F(LogWriterTest, HoldMakesOneGroup) {
    auto life = start(disk_);
    std::vector<Lsn> reported;
    life.log->onDurable([&](core::Result<Lsn> lsn) { reported.push_back(*lsn); });
    {
        core::BlockLog::Hold hold(*life.log);
        for (int i = 0; i < 10; ++i) (void)life.log->append(plainBlock("x\n"));
        TM_ASSERT_OK(life.log->appendRecord({}));
        EXPECT_FALSE(life.log->idle());
        // Long enough for a writer that does not wait.
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_EQ(life.log->durable(), Lsn(0));
    }
    TM_ASSERT_OK(life.log->waitDurable(Lsn(11)));
    TM_ASSERT_OK(life.log->close());
    EXPECT_EQ(reported, std::vector<Lsn>{Lsn(11)});
    EXPECT_TRUE(life.log->idle());
}

TEST_F(LogWriterTest, RotationLeavesNoGapAndTrimRemovesWholeSegmentsOnly) {
    {
        auto life = start(disk_);
        for (std::uint64_t i = 1; i <= 40; ++i)
            TM_ASSERT_OK(life.append(plainBlock(std::string(500, 'x'), i)));
        const auto before = inspectLog(disk_, kDirectory);
        TM_ASSERT_OK(before);
        ASSERT_GE(before->segments.size(), 5u);
        EXPECT_TRUE(before->problems.empty());
        EXPECT_EQ(life.log->sizeBytes(), 4096 * before->segments.size());
        const auto second = before->segments[1];
        // One short of what would free the second segment.
        TM_ASSERT_OK(life.log->trim(Lsn(second.lastLsn.value - 1)));
        auto after = inspectLog(disk_, kDirectory);
        TM_ASSERT_OK(after);
        EXPECT_EQ(after->segments.front().file, second.file);
        TM_ASSERT_OK(life.log->trim(second.lastLsn));
        after = inspectLog(disk_, kDirectory);
        TM_ASSERT_OK(after);
        EXPECT_EQ(after->segments.front().file, before->segments[2].file);
        TM_ASSERT_OK(life.log->trim(Lsn(1000)));
        after = inspectLog(disk_, kDirectory);
        TM_ASSERT_OK(after);
        EXPECT_EQ(after->segments.size(), 1u) << "the segment being written stays";
    }
}

TEST_F(LogWriterTest, FrameLargerThanASegmentGetsOneOfItsOwn) {
    const std::string large(20000, 'y');
    {
        auto life = start(disk_);
        TM_ASSERT_OK(life.append(plainBlock("a\n", 1)));
        TM_ASSERT_OK(life.append(plainBlock(large, 2)));
        TM_ASSERT_OK(life.append(plainBlock("b\n", 3)));
    }
    EXPECT_EQ(bytesOf(restart().recovered.log.pending), "a\n" + large + "b\n");
}

TEST_F(LogWriterTest, CloseWritesWhatIsQueued) {
    {
        auto life = start(disk_);
        for (std::uint64_t i = 1; i <= 100; ++i)
            EXPECT_EQ(life.log->append(plainBlock("line\n", i)), Outcome::kQueued);
        TM_ASSERT_OK(life.log->close());
        EXPECT_EQ(life.log->durable(), Lsn(100));
        EXPECT_EQ(life.log->append(plainBlock("line\n", 1)), Outcome::kFailed);
        EXPECT_FALSE(life.log->appendRecord({}));
    }
    EXPECT_EQ(restart().recovered.log.pending.size(), 100u);
}

TEST_F(LogWriterTest, PreparedSegmentsDoNotChangeWhatIsWritten) {
    LogWriterOptions options = Life::writerOptions();
    options.prepareAhead = true;
    std::string all;
    {
        auto life = Life::start(disk_, Life::recoverOptions(), options);
        TM_ASSERT_OK(life);
        for (std::uint64_t i = 1; i <= 200; ++i) {
            all += std::string(100 + i, 'p') + "\n";
            EXPECT_EQ(life->log->append(plainBlock(std::string(100 + i, 'p') + "\n", i)),
                      Outcome::kQueued);
        }
        TM_ASSERT_OK(life->log->waitDurable(Lsn(200)));
    }
    const auto names = disk_.list(kDirectory / "wal");
    for (const auto& name : *names) EXPECT_FALSE(name.ends_with(".tmp")) << name;
    EXPECT_EQ(bytesOf(restart().recovered.log.pending), all);
}

// A block in memory of a pool.
core::BlockPtr pooledBlock(core::BufferPool& pool, std::string_view bytes, std::uint64_t line) {
    auto buffer = pool.tryAcquire(bytes.size());
    EXPECT_TRUE(buffer);
    std::memcpy(buffer.data(), bytes.data(), bytes.size());
    core::BlockOrigin origin;
    origin.connection = 1;
    origin.firstLine = line;
    origin.lines = 1;
    return std::make_shared<core::Block>(std::move(buffer), bytes.size(), origin);
}

std::string lineOf(int number) { return std::string(2900, static_cast<char>('a' + number)) + "\n"; }

TEST_F(LogWriterTest, DurableBlocksGiveTheirMemoryBackWhenItIsScarce) {
    auto life = start(disk_);
    // Blocks of 4 KiB, of which two are half of the budget.
    const auto pool = core::BufferPool::make(16 << 10);
    for (int i = 0; i < 20; ++i)
        TM_ASSERT_OK(life.append(pooledBlock(*pool, lineOf(i), static_cast<std::uint64_t>(i) + 1)));
    EXPECT_LE(pool->usedBytes(), std::size_t{8} << 10);
    EXPECT_EQ(life.log->pendingBlocks(), 20u);
    const auto blocks = life.log->take(~std::size_t{0});
    ASSERT_EQ(blocks.size(), 20u);
    for (int i = 0; i < 20; ++i) {
        const auto bytes = blocks[static_cast<std::size_t>(i)]->bytes();
        TM_ASSERT_OK(bytes);
        EXPECT_EQ(bytes->view(), lineOf(i)) << "over several segments";
        EXPECT_EQ(bytes->loaded(), i >= 2);
    }
    EXPECT_LE(pool->usedBytes(), std::size_t{8} << 10) << "what was read has gone";
}

TEST_F(LogWriterTest, BeyondTheBacklogMemoryStaysUsedUp) {
    LogWriterOptions options = Life::writerOptions();
    options.backlog.bytesMax = 3 * lineOf(0).size();
    auto life = Life::start(disk_, Life::recoverOptions(), options);
    TM_ASSERT_OK(life);
    const auto pool = core::BufferPool::make(16 << 10);
    int appended = 0;
    for (; appended < 20 && pool->usedBytes() < pool->budgetBytes(); ++appended)
        TM_ASSERT_OK(life->append(
            pooledBlock(*pool, lineOf(appended), static_cast<std::uint64_t>(appended) + 1)));
    EXPECT_EQ(appended, 5) << "one of them was released";
    EXPECT_FALSE(pool->tryAcquire(4096)) << "so nobody reads on";
    // A batch takes some: the rest need not be in memory any more.
    const auto taken = life->log->take(2 * lineOf(0).size());
    EXPECT_EQ(taken.size(), 2u);
    EXPECT_LE(pool->usedBytes(), std::size_t{8} << 10);
}

// Appends blocks of the pool until a fourth of its budget is left, takes one of them, and returns
// how many are in memory.
std::size_t inMemoryAfterATake(Life& life, const std::shared_ptr<core::BufferPool>& pool) {
    for (int i = 0; pool->usedBytes() < pool->budgetBytes() / 4 * 3 && i < 20; ++i)
        EXPECT_TRUE(life.append(pooledBlock(*pool, lineOf(i), static_cast<std::uint64_t>(i) + 1)));
    life.log->take(1);
    return pool->usedBytes() >> 12;
}

core::Result<Life> startWithDelay(core::FileSystem& disk, std::chrono::milliseconds delay) {
    LogWriterOptions options = Life::writerOptions();
    options.backlog.releaseDelay = delay;
    return Life::start(disk, Life::recoverOptions(), options);
}

TEST_F(LogWriterTest, BehindATakeBlocksKeepTheirMemoryForAWhile) {
    auto life = startWithDelay(disk_, std::chrono::hours(1));
    TM_ASSERT_OK(life);
    const auto pool = core::BufferPool::make(32 << 10);
    life->log->take(1);
    EXPECT_EQ(inMemoryAfterATake(*life, pool), 5u) << "six, and one was taken";
    TM_ASSERT_OK(life->append(pooledBlock(*pool, lineOf(0), 7)));
    EXPECT_EQ(pool->usedBytes() >> 12, 6u);
}

TEST_F(LogWriterTest, BehindThatWhileMemoryComesBackThoughNothingElseHappens) {
    auto life = startWithDelay(disk_, std::chrono::milliseconds(200));
    TM_ASSERT_OK(life);
    const auto pool = core::BufferPool::make(32 << 10);
    life->log->take(1);
    inMemoryAfterATake(*life, pool);
    for (int i = 0; i < 10'000 && pool->isScarce(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_FALSE(pool->isScarce());
    // And from then on at once.
    for (int i = 6; i < 20; ++i)
        TM_ASSERT_OK(
            life->append(pooledBlock(*pool, lineOf(i), static_cast<std::uint64_t>(i) + 1)));
    EXPECT_FALSE(pool->isScarce());
}

// Though the newest block is in no pool.
TEST_F(LogWriterTest, BatchesWithPausesDoNotPutOffThatMemoryComesBack) {
    auto life = startWithDelay(disk_, std::chrono::milliseconds(500));
    TM_ASSERT_OK(life);
    const auto pool = core::BufferPool::make(256 << 10);
    life->log->take(1);
    for (std::uint64_t line = 1; line <= 64; ++line)
        TM_ASSERT_OK(life->append(pooledBlock(*pool, lineOf(static_cast<int>(line % 20)), line)));
    TM_ASSERT_OK(life->append(sessionBlock("in memory of its own\n", "s", 1)));
    std::size_t taken = 0;
    while (pool->isScarce() && taken < 20) {
        taken += life->log->take(1).size();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_FALSE(pool->isScarce());
    EXPECT_LT(taken, 20u) << "half of the budget is 32 blocks";
}

// One batch is given back as the next one takes its blocks: the machine is busy, and what would be
// released would have to be read again.
TEST_F(LogWriterTest, BatchesWithoutPausesDo) {
    auto life = startWithDelay(disk_, std::chrono::milliseconds(1600));
    TM_ASSERT_OK(life);
    const auto pool = core::BufferPool::make(512 << 10);
    std::uint64_t line = 0;
    const auto append = [&] {
        ++line;
        TM_EXPECT_OK(life->append(pooledBlock(*pool, lineOf(static_cast<int>(line % 20)), line)));
    };
    life->log->take(1);
    while (line < 100) append();
    std::vector<core::BlockPtr> batch;
    for (int i = 0; i < 25; ++i) {
        batch = life->log->take(1);
        append();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_EQ(pool->usedBytes() >> 12, 101u) << "all that came, and the batch that runs";
    // Nothing follows any more.
    batch.clear();
    const auto cleared = std::chrono::steady_clock::now();
    for (int i = 0; i < 20 && pool->isScarce(); ++i) {
        append();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_FALSE(pool->isScarce());
    EXPECT_LT(std::chrono::steady_clock::now() - cleared, std::chrono::milliseconds(1100));
}

TEST_F(LogWriterTest, ABlockThatWasDamagedOnTheDiskIsNotTaken) {
    auto life = start(disk_);
    const auto pool = core::BufferPool::make(4 << 10);
    const auto block = pooledBlock(*pool, lineOf(0), 1);
    TM_ASSERT_OK(life.append(block));
    ASSERT_FALSE(block->inMemory());
    const auto segments = listSegments(disk_, kDirectory / "wal");
    TM_ASSERT_OK(segments);
    auto file =
        disk_.open(kDirectory / "wal" / toString(segments->back()), core::OpenMode::kReadWrite);
    TM_ASSERT_OK(file);
    const auto was = life.log->sizeBytes();
    TM_ASSERT_OK((*file)->writeAt(1000, "X"));
    const auto bytes = block->bytes();
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().kind, core::ErrorKind::kIo);
    EXPECT_THAT(bytes.error().message, ::testing::HasSubstr("checksum"));
    EXPECT_THAT(bytes.error().message, ::testing::HasSubstr("lsn=1"));
    EXPECT_EQ(life.log->sizeBytes(), was);
}

TEST_F(LogWriterTest, RecoveryHoldsNoMoreOfTheBacklogThanItIsTold) {
    std::string all;
    {
        auto life = start(disk_);
        for (int i = 0; i < 20; ++i) {
            all += lineOf(i);
            TM_ASSERT_OK(life.append(plainBlock(lineOf(i), static_cast<std::uint64_t>(i) + 1)));
        }
    }
    auto options = Life::recoverOptions();
    options.blockBytesInMemory = 2 * lineOf(0).size();
    auto life = Life::start(disk_, options);
    TM_ASSERT_OK(life);
    const auto& pending = life->recovered.log.pending;
    EXPECT_EQ(std::count_if(pending.begin(), pending.end(),
                            [](const auto& block) { return block->inMemory(); }),
              2);
    EXPECT_EQ(bytesOf(pending), all);
    // Recorded as a batch, it is replayed the same way.
    TM_ASSERT_OK(life->record(core::BatchId(1)));
    TM_ASSERT_OK(life->log->close());
    const auto next = Life::start(disk_, options);
    TM_ASSERT_OK(next);
    const auto blocks = next->recovered.blocksOf(0);
    TM_ASSERT_OK(blocks);
    EXPECT_FALSE(blocks->back()->inMemory());
    EXPECT_EQ(bytesOf(*blocks), all);
}

TEST_F(LogWriterTest, ManyThreadsAppendAndEachSessionStaysInOrder) {
    {
        LogWriterOptions options = Life::writerOptions();
        options.prepareAhead = true;
        auto life = Life::start(disk_, Life::recoverOptions(), options);
        TM_ASSERT_OK(life);
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                const auto name = "s" + std::to_string(t);
                for (std::uint64_t i = 1; i <= 300; ++i)
                    ASSERT_EQ(life->log->append(sessionBlock(name + "\n", name, i)),
                              Outcome::kQueued);
                TM_EXPECT_OK(life->log->waitDurable(life->log->last()));
            });
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(life->log->laneCount(), 4u);
    }
    auto life = restart();
    EXPECT_EQ(life.recovered.log.pending.size(), 1200u);
    for (int t = 0; t < 4; ++t) EXPECT_EQ(life.log->sessionLines("s" + std::to_string(t)), 300u);
}

TEST_F(LogWriterTest, SegmentsBelowTheMinimumAreRefused) {
    LogWriterOptions options = Life::writerOptions();
    options.segmentBytes = 4095;
    const auto life = Life::start(disk_, Life::recoverOptions(), options);
    ASSERT_FALSE(life);
    EXPECT_EQ(life.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace tidemill::recovery
