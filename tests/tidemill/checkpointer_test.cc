// When checkpoints are made, what they leave behind, and what becomes of one that fails.
#include "tidemill/checkpointer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/state/store_fixture.h"

namespace tidemill {
namespace {

using core::BatchId;
using core::ErrorKind;
using core::Lsn;
using core::Result;
using state::kOperator;
using state::markOf;
using state::must;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// A log of which only the bytes written count, and what it was told to trim.
class SizedLog final : public core::BlockLog {
public:
    std::atomic<std::uint64_t> written{0};
    std::function<Result<>(Lsn)> onTrim;

    Outcome append(core::BlockPtr) override { return Outcome::kFailed; }
    Result<Lsn> appendRecord(const core::BatchRecord&) override { return Lsn(0); }
    std::string position(std::string_view) const override { return ""; }
    std::size_t laneCount() const override { return 0; }
    Lsn durable() const override { return Lsn(0); }
    Lsn last() const override { return Lsn(0); }
    bool idle() const override { return true; }
    Result<> waitDurable(Lsn) override { return {}; }
    void onDurable(std::function<void(Result<Lsn>)>) override {}
    std::vector<core::BlockPtr> take(std::size_t) override { return {}; }
    std::size_t pendingBlocks() const override { return 0; }
    Result<> trim(Lsn lsn) override { return onTrim(lsn); }
    std::uint64_t sizeBytes() const override { return 0; }
    std::uint64_t writtenBytes() const override { return written; }
    std::uint32_t epoch() const override { return 1; }

private:
    void holdWrites() override {}
    void resumeWrites() override {}
};

// Holds up whoever passes while it is shut.
class Gate {
public:
    void shut() { set(false); }
    void open() { set(true); }
    void pass() {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 30s, [this] { return open_; }));
    }

private:
    void set(bool open) {
        {
            std::lock_guard lock(mutex_);
            open_ = open;
        }
        changed_.notify_all();
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = true;
};

class CheckpointerTest : public state::StoreFixture {
protected:
    CheckpointerTest() {
        must(files().createDirectory(generationsPath()));
        log_.onTrim = [this](Lsn lsn) -> Result<> {
            trims_.emplace_back(lsn, must(generations_.list()).front().batch);
            return trimming_;
        };
    }
    ~CheckpointerTest() override {
        gate_.open();
        checkpointer_.reset();
    }

    core::Path generationsPath() const { return root_ / "generations"; }

    void start(CheckpointTriggers triggers) {
        checkpointer_ = std::make_unique<Checkpointer>(
            triggers, clock_, *store_, generations_, log_,
            [this]() -> Result<> {
                gate_.pass();
                if (++asked_ == refusedAt_) return core::fail(ErrorKind::kConflict, "taken over");
                return {};
            },
            [this](core::Error error) {
                std::lock_guard lock(mutex_);
                failures_.push_back(error.message);
                failedOn_ = std::this_thread::get_id();
            });
    }

    // Whether the boundary behind this batch begins a checkpoint.
    bool beginsAt(std::uint64_t batch) {
        bool begins = false;
        must(checkpointer_->atBoundary([&] {
            begins = true;
            return markOf(batch);
        }));
        return begins;
    }
    // Returns when the checkpoint that was begun at this boundary is made.
    void awaitMade(std::uint64_t batch) { must(checkpointer_->checkpointNow(markOf(batch))); }

    std::uint64_t made() const { return checkpointer_->status().made; }
    std::vector<std::uint64_t> published() const {
        std::vector<std::uint64_t> batches;
        for (const auto& name : must(generations_.list())) batches.push_back(name.batch.value);
        return batches;
    }
    std::vector<std::string> failures() {
        std::lock_guard lock(mutex_);
        return failures_;
    }
    // That the job hears of the failure wherever it goes on, and nothing is begun any more.
    void expectEnded(const std::string& why) {
        EXPECT_THAT(failures(), ElementsAre(why));
        EXPECT_NE(failedOn_, std::this_thread::get_id());
        log_.written += 1'000'000;
        const auto boundary = checkpointer_->atBoundary([&] {
            ADD_FAILURE() << "a checkpoint is begun behind one that failed";
            return markOf(99);
        });
        ASSERT_FALSE(boundary.has_value());
        EXPECT_EQ(boundary.error().message, why);
        const auto now = checkpointer_->checkpointNow(markOf(99));
        ASSERT_FALSE(now.has_value());
        EXPECT_EQ(now.error().message, why);
        const auto spill = store_->spill();
        ASSERT_FALSE(spill.has_value());
        EXPECT_EQ(spill.error().message, why);
        EXPECT_EQ(failures().size(), 1u);
    }

    ManualClock clock_;
    SizedLog log_;
    recovery::Generations generations_{files(), generationsPath()};
    // The thread of the checkpoint passes it before it writes anything, and before it trims.
    Gate gate_;
    std::atomic<int> asked_ = 0;
    int refusedAt_ = 0;
    Result<> trimming_;
    // Each with the newest generation at that moment.
    std::vector<std::pair<Lsn, BatchId>> trims_;
    std::mutex mutex_;  // guards what follows
    std::vector<std::string> failures_;
    std::thread::id failedOn_;

    std::unique_ptr<Checkpointer> checkpointer_;
};

TEST_F(CheckpointerTest, WithoutTriggersNoBoundaryBeginsOne) {
    start({});
    log_.written = std::uint64_t{1} << 40;
    clock_.advance(std::chrono::hours(1000));
    EXPECT_FALSE(beginsAt(1));
    EXPECT_THAT(published(), IsEmpty());
}

TEST_F(CheckpointerTest, OneIsDueWhenTheLogHasGrownByEnoughSinceTheLast) {
    log_.written = 5'000;  // by another life: does not count
    start({.logBytes = 1'000});
    EXPECT_FALSE(beginsAt(1));
    log_.written = 5'999;
    EXPECT_FALSE(beginsAt(2));
    log_.written = 6'400;
    EXPECT_TRUE(beginsAt(3));
    awaitMade(3);
    log_.written = 7'399;
    EXPECT_FALSE(beginsAt(4));
    log_.written = 7'400;
    EXPECT_TRUE(beginsAt(5));
    awaitMade(5);
    EXPECT_THAT(published(), ElementsAre(5, 3));
}

TEST_F(CheckpointerTest, OneIsDueWhenEnoughTimeHasPassedSinceTheLastBegan) {
    start({.interval = 10s});
    clock_.advance(9'999ms);
    EXPECT_FALSE(beginsAt(1));
    clock_.step(std::chrono::hours(1));  // the wall clock has no say
    EXPECT_FALSE(beginsAt(2));
    clock_.advance(1ms);
    gate_.shut();
    EXPECT_TRUE(beginsAt(3));
    clock_.advance(6s);
    gate_.open();
    awaitMade(3);
    clock_.advance(3'999ms);
    EXPECT_FALSE(beginsAt(4));
    clock_.advance(1ms);
    EXPECT_TRUE(beginsAt(5));
    awaitMade(5);
    EXPECT_EQ(made(), 2u);
}

TEST_F(CheckpointerTest, OneIsDueWhenTheChangesAreOverTheirBudget) {
    budgetBytes_ = 16 << 20;
    checkpointer_.reset();
    restartFrom({});
    start({});
    auto& table = store_->table(kOperator, 0, state::ValueKind::kBytes);
    EXPECT_FALSE(beginsAt(1));
    const std::string value(64 << 10, 'v');
    for (int i = 0; i < 1'000 && !store_->overBudget(); ++i) put(table, std::to_string(i), value);
    ASSERT_TRUE(store_->overBudget());
    EXPECT_TRUE(beginsAt(2));
    awaitMade(2);
    EXPECT_FALSE(beginsAt(3));
    EXPECT_EQ(made(), 1u);
}

TEST_F(CheckpointerTest, BatchesGoOnWhileOneIsMadeAndTheNextWaitsForALaterBoundary) {
    start({.logBytes = 1});
    gate_.shut();
    log_.written = 1;
    EXPECT_TRUE(beginsAt(1));
    log_.written = 2;
    EXPECT_FALSE(beginsAt(2)) << "while the first one is under way";
    EXPECT_EQ(made(), 0u);
    gate_.open();
    awaitMade(1);
    EXPECT_TRUE(beginsAt(3)) << "it was due all the time";
    awaitMade(3);
    EXPECT_THAT(published(), ElementsAre(3, 1));
}

TEST_F(CheckpointerTest, WhenABatchMustWaitTheBoundaryReturnsWithTheCheckpointMade) {
    start({.logBytes = 1, .besideBatches = false});
    for (const std::uint64_t batch : {1, 2}) {
        log_.written = batch;
        EXPECT_TRUE(beginsAt(batch));
        EXPECT_EQ(made(), batch);
    }
    EXPECT_THAT(published(), ElementsAre(2, 1));
    EXPECT_EQ(trims_.size(), 1u) << "trimming is a part of it";
}

TEST_F(CheckpointerTest, AGenerationHoldsTheStateOfItsBoundaryAndNothingLater) {
    start({.logBytes = 1});
    auto& table = store_->table(kOperator, 0, state::ValueKind::kSum);
    merge(table, "tide", 5);
    gate_.shut();
    log_.written = 1;
    EXPECT_TRUE(beginsAt(1));
    merge(table, "tide", 100);
    merge(table, "ebb", 1);
    gate_.open();
    awaitMade(1);
    EXPECT_EQ(number(table, "tide"), 105u);
    checkpointer_.reset();
    store_.reset();

    const auto name = must(generations_.list()).front();
    const auto manifest = must(generations_.verify(name));
    EXPECT_EQ(manifest.mark, markOf(1));
    must(generations_.cloneInto(name, manifest, work()));
    open();
    EXPECT_EQ(must(store_->mark()), markOf(1));
    auto& stored = store_->table(kOperator, 0, state::ValueKind::kSum);
    EXPECT_EQ(number(stored, "tide"), 5u);
    EXPECT_EQ(number(stored, "ebb"), std::nullopt);
}

// The log must reach back to the older of two generations: the newer one may turn out damaged.
TEST_F(CheckpointerTest, TheLogIsTrimmedOnceTheNewGenerationIsThereAndUpToTheOneBefore) {
    start({});
    must(checkpointer_->checkpointNow(markOf(1)));
    EXPECT_THAT(trims_, IsEmpty());
    must(checkpointer_->checkpointNow(markOf(2)));
    must(checkpointer_->checkpointNow(markOf(5)));
    EXPECT_THAT(trims_, ElementsAre(Pair(markOf(1).endLsn, BatchId(2)),
                                    Pair(markOf(2).endLsn, BatchId(5))));
    EXPECT_THAT(published(), ElementsAre(5, 2)) << "older ones go";
}

TEST_F(CheckpointerTest, CheckpointNowReturnsWithItPublishedAndMakesNoneTwice) {
    start({});
    EXPECT_EQ(checkpointer_->status().newest, std::nullopt);
    must(checkpointer_->checkpointNow(markOf(4)));
    EXPECT_THAT(published(), ElementsAre(4));
    EXPECT_EQ(checkpointer_->status().newest, BatchId(4));
    must(checkpointer_->checkpointNow(markOf(4)));
    EXPECT_EQ(made(), 1u);
    EXPECT_EQ(asked_, 2) << "nothing was tried";
}

TEST_F(CheckpointerTest, CheckpointNowWaitsForTheOneUnderWay) {
    start({.logBytes = 1});
    gate_.shut();
    log_.written = 1;
    EXPECT_TRUE(beginsAt(1));
    // The store aborts when a checkpoint begins while another one is under way.
    std::thread opener([this] {
        std::this_thread::sleep_for(20ms);
        gate_.open();
    });
    must(checkpointer_->checkpointNow(markOf(2)));
    opener.join();
    EXPECT_THAT(published(), ElementsAre(2, 1));
}

TEST_F(CheckpointerTest, TheBoundaryThatRecoveryStartedFromIsNotWrittenAgain) {
    start({});
    checkpointer_->resume(BatchId(7));
    EXPECT_EQ(checkpointer_->status().newest, BatchId(7));
    must(checkpointer_->checkpointNow(markOf(7)));
    EXPECT_THAT(published(), IsEmpty());
    must(checkpointer_->checkpointNow(markOf(8)));
    EXPECT_THAT(published(), ElementsAre(8));
}

TEST_F(CheckpointerTest, ARequestIsAnsweredByOneThatBeganBehindIt) {
    start({});
    EXPECT_EQ(checkpointer_->request(), 1u);
    EXPECT_EQ(checkpointer_->request(), 2u);
    gate_.shut();
    EXPECT_TRUE(beginsAt(1));
    EXPECT_EQ(checkpointer_->request(), 3u);
    EXPECT_EQ(checkpointer_->status().answered, 0u) << "it is not published yet";
    gate_.open();
    awaitMade(1);
    EXPECT_EQ(checkpointer_->status().answered, 2u) << "the third one came too late for it";
    EXPECT_TRUE(beginsAt(2));
    awaitMade(2);
    EXPECT_EQ(checkpointer_->status().answered, 3u);
    EXPECT_FALSE(beginsAt(3)) << "all are answered";
    EXPECT_EQ(checkpointer_->request(), 4u);
    must(checkpointer_->checkpointNow(markOf(4)));
    EXPECT_EQ(checkpointer_->status().answered, 4u);
    EXPECT_FALSE(beginsAt(5));
    EXPECT_EQ(made(), 3u);
}

// Two, since the log is trimmed to the older of two generations; and none that would not let go of
// more of it.
TEST_F(CheckpointerTest, AHurryMakesTwoASecondApartOnceTheLogHasGrown) {
    start({});
    clock_.advance(10s);
    checkpointer_->hurry();
    EXPECT_FALSE(beginsAt(1)) << "nothing to trim";
    log_.written = 1;
    EXPECT_TRUE(beginsAt(2));
    awaitMade(2);
    log_.written = 2;
    clock_.advance(999ms);
    EXPECT_FALSE(beginsAt(3)) << "one a second";
    clock_.advance(1ms);
    EXPECT_TRUE(beginsAt(4));
    awaitMade(4);
    EXPECT_THAT(trims_, ElementsAre(Pair(markOf(2).endLsn, BatchId(4))));
    log_.written = 3;
    clock_.advance(10s);
    EXPECT_FALSE(beginsAt(5)) << "two are enough";
}

TEST_F(CheckpointerTest, StatusTellsTheBytesAndTheTimeOfWhatWasPublished) {
    clock_.advance(3s);
    start({});
    EXPECT_EQ(checkpointer_->status().newestAt, 3s) << "its age counts from the start";
    clock_.advance(4s);
    must(checkpointer_->checkpointNow(markOf(1)));
    const auto first = checkpointer_->status();
    EXPECT_EQ(first.newestAt, 7s);
    EXPECT_GT(first.bytes, 0u);
    put(store_->table(kOperator, 0, state::ValueKind::kBytes), "key", std::string(1'000'000, 'v'));
    must(checkpointer_->checkpointNow(markOf(2)));
    EXPECT_GT(checkpointer_->status().bytes, first.bytes);
}

TEST_F(CheckpointerTest, NothingIsWrittenWhenTheDirectoryIsNoLongerOurs) {
    start({.logBytes = 1});
    refusedAt_ = 1;
    log_.written = 1;
    EXPECT_TRUE(beginsAt(1));
    EXPECT_FALSE(checkpointer_->checkpointNow(markOf(1)).has_value());
    expectEnded("taken over");
    EXPECT_THAT(published(), IsEmpty());
    EXPECT_EQ(made(), 0u);
    EXPECT_EQ(checkpointer_->status().newest, std::nullopt);
}

TEST_F(CheckpointerTest, NothingIsTrimmedWhenTheDirectoryIsNoLongerOurs) {
    start({});
    must(checkpointer_->checkpointNow(markOf(1)));
    refusedAt_ = 4;  // behind the second one's publishing
    EXPECT_FALSE(checkpointer_->checkpointNow(markOf(2)).has_value());
    EXPECT_THAT(failures(), ElementsAre("taken over"));
    EXPECT_THAT(published(), ElementsAre(2, 1));
    EXPECT_THAT(trims_, IsEmpty());
}

TEST_F(CheckpointerTest, OneThatCannotBePublishedEndsTheJobAndTrimsNothing) {
    start({.besideBatches = false});
    must(checkpointer_->checkpointNow(markOf(1)));
    must(files().removeTree(generationsPath()));
    checkpointer_->request();
    const auto boundary = checkpointer_->atBoundary([] { return markOf(2); });
    ASSERT_FALSE(boundary.has_value()) << "a batch that waits for it hears so at once";
    expectEnded(boundary.error().message);
    EXPECT_THAT(trims_, IsEmpty());
    EXPECT_EQ(checkpointer_->status().newest, BatchId(1));
    EXPECT_EQ(checkpointer_->status().answered, 0u);
}

TEST_F(CheckpointerTest, ALogThatCannotBeTrimmedEndsTheJob) {
    start({});
    must(checkpointer_->checkpointNow(markOf(1)));
    trimming_ = core::fail(ErrorKind::kIo, "no trimming");
    EXPECT_FALSE(checkpointer_->checkpointNow(markOf(2)).has_value());
    EXPECT_THAT(failures(), ElementsAre("no trimming"));
    EXPECT_FALSE(checkpointer_->atBoundary([] { return markOf(3); }).has_value());
    EXPECT_THAT(published(), ElementsAre(2, 1)) << "what was published stays";
}

TEST_F(CheckpointerTest, StopFinishesWhatIsUnderWayAndStatusGoesOnToAnswer) {
    start({.logBytes = 1});
    gate_.shut();
    log_.written = 1;
    EXPECT_TRUE(beginsAt(1));
    std::thread opener([this] {
        std::this_thread::sleep_for(20ms);
        gate_.open();
    });
    checkpointer_->stop();
    EXPECT_EQ(made(), 1u);
    EXPECT_THAT(published(), ElementsAre(1));
    opener.join();
    checkpointer_->stop();  // once more, as the destructor does
    EXPECT_EQ(checkpointer_->status().newest, BatchId(1));
}

TEST_F(CheckpointerTest, OneThatBeganJustBeforeTheStopIsMade) {
    for (std::uint64_t batch = 1; batch <= 5; ++batch) {
        start({});
        checkpointer_->request();
        EXPECT_TRUE(beginsAt(batch));
        checkpointer_->stop();
        ASSERT_EQ(checkpointer_->status().newest, BatchId(batch));
    }
}

// The answers of one status belong together, whatever goes on meanwhile.
TEST_F(CheckpointerTest, StatusRequestsAndHurryMayComeFromAnyThread) {
    constexpr std::uint64_t kBatches = 10, kRequests = 1'000;
    start({.logBytes = 1});
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> others;
    for (int i = 0; i < 2; ++i)
        others.emplace_back([&] {
            Checkpointer::Status last;
            while (!done) {
                const auto now = checkpointer_->status();
                const auto newest = now.newest.value_or(BatchId(0)).value;
                if (now.made < last.made || now.answered < last.answered || newest != now.made)
                    ++wrong;
                last = now;
            }
        });
    std::mutex numbersMutex;
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i < 2; ++i)
        others.emplace_back([&] {
            for (std::uint64_t n = 0; n < kRequests / 2; ++n) {
                checkpointer_->hurry();
                const auto number = checkpointer_->request();
                std::lock_guard lock(numbersMutex);
                numbers.push_back(number);
            }
        });
    for (std::uint64_t batch = 1; batch <= kBatches; ++batch) {
        log_.written = batch;
        EXPECT_TRUE(beginsAt(batch));
        awaitMade(batch);
    }
    done = true;
    for (auto& thread : others) thread.join();
    checkpointer_->request();
    EXPECT_TRUE(beginsAt(kBatches + 1));
    awaitMade(kBatches + 1);
    EXPECT_EQ(checkpointer_->status().answered, kRequests + 1);
    EXPECT_EQ(wrong, 0);
    std::sort(numbers.begin(), numbers.end());
    for (std::uint64_t n = 0; n < kRequests; ++n) ASSERT_EQ(numbers[n], n + 1);
}

}  // namespace
}  // namespace tidemill
