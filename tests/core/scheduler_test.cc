#include "core/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "core/inputs/text_input.h"
#include "core/memory_log.h"

namespace tidemill::core {
namespace {

constexpr Duration kInterval{1000};
constexpr Scheduler::Replay kLast{true, nullptr, nullptr}, kNotLast{};

BlockPtr blockOf(const std::string& text) {
    Buffer buffer = Buffer::unpooled(std::max<std::size_t>(text.size(), 1));
    std::memcpy(buffer.data(), text.data(), text.size());
    BlockOrigin origin;
    origin.lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
    return std::make_shared<Block>(std::move(buffer), text.size(), origin);
}

// Notes the records that are appended.
class NotingLog final : public BlockLog {
public:
    Outcome append(BlockPtr block) override { return log_.append(std::move(block)); }
    Result<Lsn> appendRecord(const BatchRecord& record) override {
        std::lock_guard lock(mutex_);
        records.push_back(record);
        return log_.appendRecord(record);
    }
    std::string position(std::string_view lane) const override { return log_.position(lane); }
    std::size_t laneCount() const override { return 0; }
    Lsn durable() const override { return log_.durable(); }
    Lsn last() const override { return log_.last(); }
    bool idle() const override { return true; }
    Result<> waitDurable(Lsn) override {
        std::lock_guard lock(mutex_);
        if (broken) return fail(ErrorKind::kIo, "the disk is gone");
        return {};
    }
    void onDurable(std::function<void(Result<Lsn>)>) override {}
    std::vector<BlockPtr> take(std::size_t bytesMax) override { return log_.take(bytesMax); }
    bool storesBlocks() const override { return stores; }
    std::size_t pendingBlocks() const override { return log_.pendingBlocks(); }
    Result<> trim(Lsn) override { return {}; }
    std::uint64_t sizeBytes() const override { return 0; }
    std::uint64_t writtenBytes() const override { return 0; }
    std::uint32_t epoch() const override { return 1; }

    std::mutex mutex_;
    std::vector<BatchRecord> records;
    bool broken = false;
    bool stores = false;

private:
    void holdWrites() override {}
    void resumeWrites() override {}
    MemoryLog log_;
};

// Everything a scheduler needs, with an output that notes what batches hold.
class SchedulerTest : public ::testing::Test, public BatchHooks {
protected:
    class Seen final : public OutputOperation {
    public:
        explicit Seen(SchedulerTest& test) : test_(test) {}
        std::string describe() const override { return "seen"; }
        bool holdsRecords() const override { return test_.holds_; }
        Visibility run(BatchRun& run) override {
            test_.output(run);
            return Visibility::kNow;
        }

    private:
        SchedulerTest& test_;
    };

    SchedulerTest() {
        input_ = graph_.add(std::make_shared<core::TextInputNode>("text", SourceId(0)));
        graph_.addOutput(std::make_unique<Seen>(*this));
    }

    void make(SchedulerOptions options = {}) {
        options.interval = kInterval;
        scheduler_ = std::make_unique<Scheduler>(options, clock_, log_, graph_, workers_, *this);
    }

    void output(BatchRun& run) {
        std::string text;
        class Append final : public Sink<std::string_view> {
        public:
            Append(std::string& into, bool holds) : into_(into), holds_(holds) {}
            void take(std::span<std::string_view> lines) override {
                for (const auto line : lines) (into_ += line) += ' ';
            }
            void finish() override {}
            bool flush() override { return !holds_; }

        private:
            std::string& into_;
            const bool holds_;
        } sink(text, holds_);
        for (std::uint32_t i = 0; i < input_->partitions(run); ++i) {
            TaskContext task{run.newArena(), 0, i};
            input_->scan(task, run, sink);
        }
        if (text == throwsOn_) throw std::runtime_error("not this one");
        std::lock_guard lock(mutex_);
        seen_.push_back(toString(run.record().batch) + ": " + text);
        changed_.notify_all();
    }

    // One batch time after another passes, each awaited.
    void runBatches(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            std::unique_lock lock(mutex_);
            const auto wanted = boundaries_.size() + 1;
            lock.unlock();
            clock_.advance(kInterval);
            lock.lock();
            ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60),
                                          [&] { return boundaries_.size() >= wanted; }));
        }
    }

public:
    void flushInputs(BatchTime) override {
        std::lock_guard lock(mutex_);
        for (auto& text : arriving_) log_.append(blockOf(text));
        arriving_.clear();
    }
    Result<std::size_t> prepareRanges(Instant, std::size_t) override { return prepared_; }
    Result<std::vector<SourceRange>> planRanges(std::size_t bytesMax) override {
        rooms_.push_back(bytesMax);
        return std::vector<SourceRange>();
    }
    Framing framing(SourceId) const override { return Framing::kLines; }
    Result<> afterRun(const BatchRun&, bool) override { return {}; }
    Result<> atBoundary(const BatchRecord& record, bool) override {
        std::lock_guard lock(mutex_);
        boundaries_.push_back(record);
        changed_.notify_all();
        return {};
    }

protected:
    ManualClock clock_;
    NotingLog log_;
    Graph graph_;
    std::shared_ptr<core::TextInputNode> input_;
    Workers workers_{3};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> arriving_;
    std::vector<std::string> seen_;
    std::vector<std::size_t> rooms_;
    std::vector<BatchRecord> boundaries_;
    std::string throwsOn_ = "throw ";
    bool holds_ = true;         // the output holds what it has seen
    std::size_t prepared_ = 0;  // what files have
    std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, BatchesThatHoldLittleAreLargerAndLeaveFilesTheirPart) {
    SchedulerOptions options;
    options.maxBatchBytes = 1000;
    prepared_ = 10'000;
    for (const bool holds : {false, true}) {
        holds_ = holds;
        log_.stores = true;
        seen_.clear();
        rooms_.clear();
        make(options);
        scheduler_->start({});
        arriving_.assign(20, std::string(499, 'x') + "\n");
        runBatches(2);
        scheduler_->abandon();
        const auto lines = std::count(seen_.at(1).begin(), seen_.at(1).end(), 'x') / 499;
        // The first took one: what fits beside the files.
        EXPECT_EQ(lines, holds ? 1 : (8 * 500 - 250) / 500);
        EXPECT_EQ(rooms_.at(1), holds ? 500u : 250u);
        (void)log_.take(~std::size_t{0});
    }
}

TEST_F(SchedulerTest, BatchesOwnWhatCameBeforeTheirTimeAndFollowEachOther) {
    make();
    scheduler_->start({});
    arriving_ = {"a\n", "b\nc\n"};
    runBatches(1);
    runBatches(1);
    arriving_ = {"d\n"};
    runBatches(1);
    scheduler_->finish();
    EXPECT_EQ(seen_, (std::vector<std::string>{"1: a b c ", "2: ", "3: d "}));
    ASSERT_EQ(log_.records.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(log_.records[i].batch.value, i + 1);
        EXPECT_EQ(log_.records[i], boundaries_[i]);
        EXPECT_EQ(log_.records[i].zeroTime, log_.records[0].zeroTime);
    }
    EXPECT_LT(log_.records[0].time, log_.records[1].time);
    EXPECT_LT(log_.records[1].time, log_.records[2].time);
    EXPECT_EQ(log_.records[1].endLsn, log_.records[0].endLsn);
    EXPECT_GT(log_.records[2].endLsn, log_.records[1].endLsn);
    EXPECT_EQ(scheduler_->progress().records, 4U);
    EXPECT_TRUE(scheduler_->wait());
}

TEST_F(SchedulerTest, FinishRunsTheBacklogInBatchesOfTheirLimit) {
    SchedulerOptions options;
    options.maxBatchBytes = 6;
    make(options);
    scheduler_->start({});
    for (int i = 0; i < 5; ++i) log_.append(blockOf("x" + std::to_string(i) + "\n"));
    scheduler_->finish();
    EXPECT_EQ(seen_, (std::vector<std::string>{"1: x0 x1 ", "2: x2 x3 ", "3: x4 "}));
    EXPECT_EQ(rooms_, (std::vector<std::size_t>{0, 0, 3}));
}

// All of its records were too long, say: it is received all the same, and a batch must own it.
TEST_F(SchedulerTest, FinishTakesABlockWithoutBytes) {
    make();
    scheduler_->start({});
    log_.append(blockOf(""));
    scheduler_->finish();
    EXPECT_EQ(seen_, std::vector<std::string>{"1: "});
    EXPECT_EQ(log_.pendingBlocks(), 0u);
}

TEST_F(SchedulerTest, AbandonLeavesWhatIsNotRecorded) {
    make();
    scheduler_->start({});
    log_.append(blockOf("x\n"));
    scheduler_->abandon();
    EXPECT_TRUE(seen_.empty());
    EXPECT_TRUE(log_.records.empty());
    EXPECT_TRUE(scheduler_->wait());
}

TEST_F(SchedulerTest, AnOutputThatThrowsEndsTheJobWithItsErrorAndNoBoundary) {
    make();
    scheduler_->start({});
    arriving_ = {"a\n"};
    runBatches(1);
    arriving_ = {"throw\n"};
    clock_.advance(kInterval);
    const auto outcome = scheduler_->wait();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::kUserCode);
    EXPECT_NE(outcome.error().message.find("not this one"), std::string::npos);
    EXPECT_EQ(boundaries_.size(), 1U);
    EXPECT_EQ(scheduler_->progress().batch.value, 1U);
    EXPECT_EQ(scheduler_->progress().batches, 1U);
}

TEST_F(SchedulerTest, NoBatchRunsWhoseRecordIsNotDurable) {
    make();
    log_.broken = true;
    scheduler_->start({});
    arriving_ = {"a\n"};
    clock_.advance(kInterval);
    const auto outcome = scheduler_->wait();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::kIo);
    EXPECT_TRUE(seen_.empty());
}

TEST_F(SchedulerTest, FailEndsTheJobBetweenBatches) {
    make();
    scheduler_->start({});
    runBatches(1);
    scheduler_->fail({ErrorKind::kNoSpace, "no room"});
    const auto outcome = scheduler_->wait();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message, "no room");
}

// What a replay is given: a record as the scheduler makes them, and its blocks.
struct Recorded {
    BatchRecord record;
    std::vector<BlockPtr> blocks;
};

Recorded recordedBatch() {
    Recorded batch;
    batch.blocks = {blockOf("a\nb\n"), blockOf("c\n")};
    batch.record.batch = BatchId(1);
    batch.record.keyRanges = kKeyRanges;
    batch.record.cuts = {{0, 0}, {0, 2}, {1, 0}};
    return batch;
}

TEST_F(SchedulerTest, AReplayShowsTheLastRecordedBatchOnly) {
    make();
    const auto batch = recordedBatch();
    ASSERT_TRUE(scheduler_->replay(batch.record, batch.blocks, kNotLast));
    EXPECT_TRUE(seen_.empty());
    ASSERT_TRUE(scheduler_->replay(batch.record, batch.blocks, kLast));
    EXPECT_EQ(seen_, (std::vector<std::string>{"1: a b c "}));
}

}  // namespace
}  // namespace tidemill::core
