// Batch times, windows and timeouts when clocks are set, machines sleep, and jobs start again
// quickly or with another interval.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kStart = 1'000'000'000;  // no multiple of 3 s

// A count of every word in windows of 6 s, told every 6 s, over any number of lives; what each
// batch brought is kept beside it, so that a naive count says what is right.
class ClockSteps : public ::testing::Test {
protected:
    struct Output {
        std::int64_t time;
        std::string counted;
    };

    StreamingOptions options(Duration interval) const {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.interval = interval;
        options.workers = 2;
        if (oneBlockABatch_) {
            options.maxBatchBytes = 1;
            options.receiveBudgetBytes = 1 << 20;
        }
        return options;
    }

    // A life that begins `millis` behind kStart.
    void begin(Duration interval, std::int64_t millis, Duration length = 6s, Duration slide = 6s) {
        life_ = std::make_unique<Life>(options(interval), fromMillis(kStart + millis));
        queue_ = std::make_unique<RecordQueue<std::string>>();
        const auto words = life_->context().queueStream(*queue_, false);
        words.forEachBatch([this](Batch<std::string>& batch, BatchTime time) {
            std::lock_guard lock(mutex_);
            times_.push_back(toMillis(time) - kStart);
            brought_[toMillis(time)] = batch.count();
        });
        words.countByWindow(length, slide, "window")
            .forEachBatch([this](Batch<std::int64_t>& batch, BatchTime time) {
                const auto all = batch.collect();
                std::lock_guard lock(mutex_);
                counted_[toMillis(time)] = all.empty() ? 0 : all.front();
            });
        life_->start();
    }
    void end(bool graceful = true) {
        life_->context().stop(graceful);
        life_.reset();
    }
    void push(std::size_t words = 1) { queue_->push(std::vector<std::string>(words, "w")); }

    // So many batches have run in this life.
    void await(std::size_t batches) { life_->await(batches); }

    void expectWindowsRight(std::int64_t length = 6000) {
        for (const auto& [time, count] : counted_) {
            std::int64_t expected = 0;
            for (const auto& [at, words] : brought_)
                if (at > time - length && at <= time) expected += static_cast<std::int64_t>(words);
            EXPECT_EQ(count, expected) << "window at " << time - kStart;
        }
    }

    using Times = std::vector<std::int64_t>;
    TemporaryDirectory directory_;
    bool oneBlockABatch_ = false;  // each push is one
    std::unique_ptr<Life> life_;
    std::unique_ptr<RecordQueue<std::string>> queue_;
    std::mutex mutex_;
    Times times_;  // of all batches, behind kStart
    std::map<std::int64_t, std::uint64_t> brought_;
    std::map<std::int64_t, std::int64_t> counted_;
};

TEST_F(ClockSteps, BackFiveMinutesTimesHoldAndComeBack) {
    begin(1s, 0);
    for (int i = 0; i < 3; ++i) {
        push();
        life_->run(1);
    }
    life_->clock().step(-5min);
    for (int i = 0; i < 4; ++i) {
        push();
        life_->run(1);
    }
    EXPECT_EQ(times_, (Times{1000, 2000, 3000, 3001, 3002, 3003, 3004}));
    EXPECT_EQ(life_->context().status().batches.clockBehind, Duration(296'004));
    life_->clock().step(5min);
    await(8);  // the batch behind the gap is due at once, before any time passes
    EXPECT_EQ(times_.back(), 7000);
    push();
    life_->run(3);
    EXPECT_EQ(times_.back(), 10'000);
    EXPECT_EQ(life_->context().status().batches.clockBehind, Duration(0));
    life_->run(3);
    end();
    EXPECT_EQ(counted_.size(), 1u) << "12 s; 6 s lay in the gap";
    expectWindowsRight();
}

TEST_F(ClockSteps, ForwardAnHourMakesOneGap) {
    begin(1s, 0);
    push();
    life_->run(2);
    life_->clock().step(1h);
    await(3);
    push();
    life_->run(2);
    EXPECT_EQ(times_, (Times{1000, 2000, 3'602'000, 3'603'000, 3'604'000}));
    end();
    expectWindowsRight();
}

TEST_F(ClockSteps, AStartYearsAheadDoesNotStopLaterOnes) {
    const std::int64_t years = 10ll * 365 * 86'400'000;
    begin(1s, years);
    push();
    life_->run(2);
    end();
    begin(1s, 10'000);
    EXPECT_EQ(life_->context().status().batches.batch.value, 2u);
    for (int i = 0; i < 5; ++i) {
        push();
        life_->run(1);
    }
    end();
    const auto last = years + 2000;
    EXPECT_EQ(times_,
              (Times{years + 1000, last, last + 1, last + 2, last + 3, last + 4, last + 5}));
    begin(1s, years + 7'300);
    await(1);
    life_->run(6);
    end();
    EXPECT_EQ(times_.back(), years + 13'000);
    EXPECT_FALSE(counted_.empty());
    expectWindowsRight();
}

TEST_F(ClockSteps, QuickStopsAndStartsStayInStepAndLoseNothing) {
    oneBlockABatch_ = true;
    std::int64_t wall = 0;
    std::uint64_t pushed = 0;
    for (int i = 0; i < 30; ++i) {
        begin(1s, wall, 60s, 20s);
        push();
        push(2);  // for the early batch of the stop, or the next life
        pushed += 3;
        life_->run(1);
        wall = toMillis(life_->clock().wall()) - kStart;
        end(i % 3 != 2);
        EXPECT_LE(times_.back(), wall + 1);
        wall += 37;
    }
    begin(1s, wall, 60s, 20s);
    life_->run(40);
    end();
    std::uint64_t brought = 0;
    for (const auto& [time, words] : brought_) brought += words;
    EXPECT_EQ(brought, pushed);
    EXPECT_FALSE(counted_.empty());
    expectWindowsRight(60'000);
}

TEST_F(ClockSteps, WhatAGracefulStopBringsOffTheGridIsInTheWindowOfItsTime) {
    oneBlockABatch_ = true;
    begin(2s, 0);
    push();
    push(10);
    life_->run(1);
    life_->clock().advance(1300ms);
    end();
    EXPECT_EQ(times_, (Times{2000, 3300}));
    begin(2s, 3500);
    push(100);
    life_->clock().advance(500ms);
    await(1);
    life_->run(4);
    end();
    EXPECT_EQ(times_, (Times{2000, 3300, 4000, 6000, 8000, 10'000, 12'000}));
    ASSERT_EQ(counted_.size(), 2u);
    EXPECT_EQ(counted_.begin()->second, 111);
    expectWindowsRight();
}

// Also windows that slide with every batch.
TEST_F(ClockSteps, WindowsOfEveryBatchHaveNoneOffTheGrid) {
    oneBlockABatch_ = true;
    std::int64_t wall = 0;
    for (int i = 0; i < 12; ++i) {
        begin(2s, wall, 6s, 2s);
        push(static_cast<std::size_t>(i + 1));
        push(100);
        life_->run(1);
        life_->clock().advance(700ms);
        wall = toMillis(life_->clock().wall()) - kStart;
        end();
    }
    for (const auto& [time, count] : counted_) EXPECT_EQ(time % 2000, 0);
    EXPECT_GT(counted_.size(), 6u);
    expectWindowsRight();
}

TEST_F(ClockSteps, AChangedIntervalThatDividesTheSlideGoesOnRight) {
    begin(2s, 0);
    for (int i = 0; i < 4; ++i) {
        push();
        life_->run(1);
    }
    end();
    const std::size_t before = counted_.size();
    for (const auto interval : {3s, 1s, 6s, 2s, 3s}) {
        begin(interval, times_.back());
        for (int i = 0; i < 12; ++i) {
            push();
            life_->run(1);
        }
        end();
    }
    EXPECT_GE(counted_.size(), before + (36 + 12 + 72 + 24 + 36) / 6 - 5);
    for (const auto& [time, count] : counted_) EXPECT_EQ((time - kStart) % 6000, 0);
    expectWindowsRight();
}

TEST_F(ClockSteps, AChangedIntervalThatDoesNotDivideTheSlideIsRefusedWithTheNumbers) {
    begin(2s, 0);
    life_->run(1);
    end();
    try {
        begin(4s, 2000);
        FAIL() << "started";
    } catch (const std::invalid_argument& error) {
        EXPECT_NE(std::string(error.what()).find("6000 ms"), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find("4000 ms"), std::string::npos) << error.what();
    }
    life_.reset();
    begin(2s, 2000);
    life_->run(1);
    end();
    EXPECT_EQ(times_, (Times{2000, 4000}));
}

TEST_F(ClockSteps, AWindowThatSlidesWithEveryBatchIsRefusedUnderAnotherIntervalWithTheNumbers) {
    begin(2s, 0, 6s, {});
    life_->run(1);
    end();
    try {
        begin(3s, 2000, 6s, {});
        FAIL() << "started";
    } catch (const StreamingError& error) {
        EXPECT_NE(std::string(error.what()).find("slide_ms=2000"), std::string::npos)
            << error.what();
        EXPECT_NE(std::string(error.what()).find("slide_ms=3000"), std::string::npos)
            << error.what();
    }
}

TEST_F(ClockSteps, LateBatchesAreMadeUpForOneByOne) {
    begin(1s, 0);
    life_->run(1);
    life_->clock().advance(5s);
    await(6);
    end();
    EXPECT_EQ(times_, (Times{1000, 2000, 3000, 4000, 5000, 6000}));
}

TEST_F(ClockSteps, StatusKnowsTheLastBatchBehindAGracefulStop) {
    begin(1s, 0);
    push();
    life_->run(3);
    end();
    begin(1s, 3000);
    const auto status = life_->context().status().batches;
    EXPECT_EQ(status.batch.value, 3u);
    EXPECT_EQ(toMillis(status.time), kStart + 3000);
    EXPECT_EQ(status.batches, 0u) << "since the start";
    end(false);
}

// Keys are idle by batch time: they are out behind a step forward, and stay while times hold.
TEST(ClockStepsState, TimeoutsFollowBatchTime) {
    std::vector<std::string> out;
    Life life(inMemory(), fromMillis(kStart));
    RecordQueue<std::string> queue;
    std::mutex mutex;
    life.context()
        .queueStream(queue)
        .map([](std::string word) { return std::pair(std::move(word), 1); })
        .mapWithState<int>([](const std::string& key, std::optional<int> value,
                              State<int>& state) -> std::optional<std::string> {
            if (!value) return key;
            state.update(*value);
            return std::nullopt;
        })
        .timeout(10s)
        .forEachBatch([&](Batch<std::string>& batch) {
            std::lock_guard lock(mutex);
            for (auto& key : batch.collect()) out.push_back(std::move(key));
        });
    life.start();
    queue.push({"a"});
    life.run(1);
    life.clock().step(-1h);
    life.run(30);
    EXPECT_TRUE(out.empty());
    life.clock().step(1h);
    life.await(32);
    EXPECT_EQ(out, (std::vector<std::string>{"a"}));
    queue.push({"b"});
    life.run(1);
    life.clock().step(1h);
    life.await(34);
    EXPECT_EQ(out, (std::vector<std::string>{"a", "b"}));
    life.context().stop();
}

TEST(ManualClock, TimeDoesNotPassBackwards) {
    ManualClock clock(fromMillis(5000));
    EXPECT_THROW(clock.advance(-1ms), std::invalid_argument);
    clock.step(-1s);
    clock.advance(1ms);
    EXPECT_EQ(toMillis(clock.wall()), 4001);
    EXPECT_EQ(clock.monotonic(), 1ms);
}

TEST(Durations, OutsideTheirLimitsAreRefusedInWords) {
    const auto huge = Duration::max();
    EXPECT_THROW(StreamingContext(Duration(0)), std::invalid_argument);
    EXPECT_THROW(StreamingContext(Duration(-1000)), std::invalid_argument);
    EXPECT_THROW(StreamingContext{huge}, std::invalid_argument);
    StreamingOptions options;
    options.checkpointInterval = huge;
    EXPECT_THROW(StreamingContext{options}, std::invalid_argument);
    options.checkpointInterval = Duration(-1);
    EXPECT_THROW(StreamingContext{options}, std::invalid_argument);

    Life life(inMemory());
    RecordQueue<int> queue;
    const auto numbers = life.context().queueStream(queue);
    const auto pairs = numbers.map([](int n) { return std::pair(n, n); });
    const auto keepLast = [](int, int last) { return last; };
    for (const auto length : {Duration(0), Duration(-1000), Duration(1500), huge}) {
        if (length != Duration(1500)) {
            EXPECT_THROW(numbers.remember(length), std::invalid_argument);
            EXPECT_THROW(pairs.runningTotals("t").ttl(length), std::invalid_argument);
        }
        EXPECT_THROW(numbers.window(length), std::invalid_argument);
        if (length != Duration(0)) {
            EXPECT_THROW(numbers.window(1s, length), std::invalid_argument);
        }
        EXPECT_THROW(pairs.reduceByKeyAndWindow(keepLast, length), std::invalid_argument);
        EXPECT_THROW(pairs.groupByKeyAndWindow(length), std::invalid_argument);
        EXPECT_THROW(numbers.countByWindow(length), std::invalid_argument);
    }
    try {
        numbers.remember(Duration(0));
        FAIL();
    } catch (const std::invalid_argument& error) {
        EXPECT_NE(
            std::string(error.what()).find("remember: how long batches are remembered (0 ms)"),
            std::string::npos);
    }
}

TEST(Durations, AwaitTerminationTakesAnyTimeout) {
    Life life(inMemory());
    RecordQueue<int> queue;
    life.context().queueStream(queue).forEachBatch([](Batch<int>&) {});
    life.start();
    EXPECT_FALSE(life.context().awaitTermination(std::chrono::milliseconds(-5)));
    std::thread stopper([&] {
        std::this_thread::sleep_for(20ms);
        life.context().stop();
    });
    EXPECT_TRUE(life.context().awaitTermination(std::chrono::milliseconds::max()));
    stopper.join();
}

}  // namespace
}  // namespace tidemill::test
