#include "core/batch_times.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tidemill::core {
namespace {

using namespace std::chrono_literals;
using Kind = BatchTimes::Kind;

// Both clocks, and the batch times that follow them.
class Machine {
public:
    Machine(Duration interval, std::int64_t wallMillis, std::optional<std::int64_t> previous = {})
        : now_{fromMillis(wallMillis), 1h}, interval_(interval) {
        start(previous);
    }

    void start(std::optional<std::int64_t> previous, std::int64_t origin = 0) {
        std::optional<BatchTime> time;
        if (previous) time = fromMillis(*previous);
        times_.emplace(interval_, fromMillis(origin), time, now_);
    }
    void pass(Duration by) {
        now_.wall += by;
        now_.monotonic += by;
    }
    void step(Duration by) { now_.wall += by; }
    void sleepUntilDue() {
        if (const auto wait = times_->wait(now_); wait > 0ns) {
            now_.wall += wait;
            now_.monotonic += wait;
        }
    }

    // The times of the next batches, each taken when it is due.
    std::vector<std::int64_t> next(std::size_t count) {
        std::vector<std::int64_t> times;
        for (; count > 0; --count) {
            sleepUntilDue();
            times.push_back(take());
        }
        return times;
    }
    std::int64_t take(bool early = false) {
        last_ = times_->take(now_, early);
        return toMillis(last_.time);
    }

    std::int64_t wall() const { return toMillis(std::chrono::floor<Duration>(now_.wall)); }
    const BatchTimes::Choice& last() const { return last_; }
    BatchTimes& times() { return *times_; }
    Instant now() const { return now_; }

private:
    Instant now_;
    Duration interval_;
    std::optional<BatchTimes> times_;
    BatchTimes::Choice last_;
};

using Times = std::vector<std::int64_t>;

TEST(BatchTimes, NewDirectoryBeginsAtTheNextGridTime) {
    EXPECT_EQ(Machine(1000ms, 12'300).next(2), (Times{13'000, 14'000}));
    EXPECT_EQ(Machine(1000ms, 12'000).next(1), (Times{13'000}));
    EXPECT_EQ(Machine(1000ms, 0).next(1), (Times{1'000}));
    EXPECT_EQ(toMillis(BatchTimes::zeroTime(1000ms, {fromMillis(12'300), 0ns})), 12'000);
    EXPECT_EQ(toMillis(BatchTimes::zeroTime(1000ms, {fromMillis(-300), 0ns})), -1'000);
}

TEST(BatchTimes, DowntimeMakesOneGapUpToTheNewestGridTimePassed) {
    Machine machine(1000ms, 99'700, 12'000);
    EXPECT_LE(machine.times().wait(machine.now()), 0ns);
    EXPECT_EQ(machine.next(2), (Times{99'000, 100'000}));
    EXPECT_EQ(machine.wall(), 100'000);
}

TEST(BatchTimes, AQuickRestartGoesOnWithTheNextGridTimeWhenTheWallReachesIt) {
    Machine machine(1000ms, 12'100, 12'000);
    EXPECT_EQ(machine.next(1), (Times{13'000}));
    EXPECT_EQ(machine.wall(), 13'000);
}

TEST(BatchTimes, LateBatchesFollowAtOnceAndNoneIsSkipped) {
    Machine machine(1000ms, 12'300);
    machine.next(1);
    machine.pass(4500ms);
    EXPECT_EQ(Times({machine.take(), machine.take(), machine.take(), machine.take()}),
              (Times{14'000, 15'000, 16'000, 17'000}));
    EXPECT_EQ(machine.next(1), (Times{18'000}));
    EXPECT_EQ(machine.wall(), 18'000);
}

TEST(BatchTimes, AStepForwardOrASuspendMakesOneGap) {
    Machine machine(1000ms, 12'300);
    machine.next(1);
    machine.step(1h);
    EXPECT_EQ(machine.next(1), (Times{3'613'000}));
    EXPECT_EQ(machine.last().kind, Kind::kGap);
    EXPECT_EQ(machine.next(2), (Times{3'614'000, 3'615'000}));
}

TEST(BatchTimes, AStepForwardOfLessThanAnIntervalSkipsNothing) {
    Machine machine(1000ms, 12'300);
    machine.next(1);
    machine.step(900ms);
    EXPECT_EQ(machine.next(2), (Times{14'000, 15'000}));
    machine.pass(1800ms);  // late, and stepped less than an interval
    machine.step(900ms);
    EXPECT_EQ(machine.next(2), (Times{16'000, 17'000}));
}

TEST(BatchTimes, WhileTheWallIsBehindTimesHoldAndBatchesGoOnAtTheInterval) {
    Machine machine(1000ms, 12'300);
    machine.next(1);
    machine.step(-5s);
    EXPECT_EQ(machine.times().wait(machine.now()), 1s);
    const auto held = machine.next(5);
    EXPECT_EQ(held, (Times{13'001, 13'002, 13'003, 13'004, 13'005}));
    EXPECT_EQ(machine.last().kind, Kind::kHeld);
    EXPECT_EQ(machine.wall(), 13'000);
    EXPECT_EQ(machine.times().behind(machine.now()), 5ms);
    EXPECT_EQ(machine.next(2), (Times{14'000, 15'000}));
    EXPECT_EQ(machine.wall(), 15'000) << "in step with the wall again";
}

TEST(BatchTimes, AStepBackThatIsTakenBackLeavesNothingBehind) {
    Machine machine(1000ms, 12'300);
    machine.next(1);
    machine.step(-5min);
    machine.next(3);
    machine.step(5min);
    EXPECT_EQ(machine.next(2), (Times{16'000, 17'000}));
    EXPECT_EQ(machine.wall(), 17'000);
}

TEST(BatchTimes, AStartYearsAheadIsHeldUntilTheWallHasCaughtUp) {
    const std::int64_t ahead = 10ll * 365 * 86'400'000;
    Machine machine(1000ms, 12'300, ahead);
    EXPECT_EQ(machine.next(3), (Times{ahead + 1, ahead + 2, ahead + 3}));
    EXPECT_EQ(machine.wall(), 15'300);
    machine.step(Duration(ahead));
    EXPECT_EQ(machine.next(1), (Times{ahead + 15'000}));
}

TEST(BatchTimes, AWallSetBackBeforeTheFirstBatchDoesNotDelayIt) {
    Machine machine(1000ms, 500'300);
    machine.step(-5min);
    EXPECT_EQ(machine.next(2), (Times{500'001, 500'002}));
    EXPECT_EQ(machine.wall(), 202'300);
}

TEST(BatchTimes, AWallThatCatchesUpDelaysNoBatch) {
    Machine machine(1000ms, 12'000, 13'000);
    EXPECT_EQ(machine.next(2), (Times{13'001, 14'000}));
    EXPECT_EQ(machine.wall(), 14'000);
}

TEST(BatchTimes, BatchesOfEveryMillisecondCatchUpToo) {
    Machine machine(1ms, 12'300);
    machine.next(1);
    machine.step(-1s);
    machine.next(2000);
    EXPECT_EQ(toMillis(machine.last().time), machine.wall());
}

TEST(BatchTimes, AnEarlyBatchHasTheTimeAtWhichItRuns) {
    Machine machine(1000ms, 12'300);
    machine.next(1);
    machine.pass(400ms);
    EXPECT_EQ(machine.take(true), 13'400);
    EXPECT_EQ(machine.last().kind, Kind::kEarly);
    EXPECT_EQ(machine.take(true), 13'401) << "at least a millisecond behind the previous one";
    EXPECT_EQ(machine.next(1), (Times{14'000}));
}

TEST(BatchTimes, AnEarlyBatchTakesALateGridTimeFirst) {
    Machine machine(1000ms, 12'300);
    machine.next(1);
    machine.pass(2400ms);
    EXPECT_EQ(Times({machine.take(true), machine.take(true), machine.take(true)}),
              (Times{14'000, 15'000, 15'400}));
}

TEST(BatchTimes, AHundredQuickRestartsDoNotRunAheadOfTheWall) {
    Machine machine(10s, 12'300);
    for (int life = 0; life < 100; ++life) {
        machine.pass(300ms);
        const auto stopped = machine.take(true);
        EXPECT_LE(stopped, machine.wall());
        machine.pass(200ms);
        machine.start(stopped);
    }
    const auto wall = machine.wall();
    EXPECT_EQ(machine.next(1), (Times{wall / 10'000 * 10'000 + 10'000}));
}

TEST(BatchTimes, TheGridMayLieOffTheMultiplesOfTheIntervalForTheSakeOfWindows) {
    Machine machine(3000ms, 14'500);
    machine.start(14'000, 4'000);
    EXPECT_EQ(machine.next(2), (Times{16'000, 19'000}));
}

// Whatever the clocks do, times grow, never lead the wall without need, and end in step with it.
TEST(BatchTimes, RandomClocks) {
    std::mt19937 random(1);
    for (int history = 0; history < 300; ++history) {
        const Duration interval(1 + static_cast<std::int64_t>(random() % 3000));
        Machine machine(interval, 1'000'000'000 + static_cast<std::int64_t>(random() % 10'000));
        auto previous = machine.wall() / interval.count() * interval.count();
        std::int64_t highest = previous;  // of the wall
        std::int64_t lead = 0;            // milliseconds that held and early times may add
        for (int event = 0; event < 60; ++event) {
            const Duration span(static_cast<std::int64_t>(random() % 20'000));
            switch (random() % 6) {
                case 0: machine.step(span); break;
                case 1: machine.step(-span); break;
                case 2: machine.pass(span); break;
                case 3: machine.start(previous); break;
                default: machine.sleepUntilDue();
            }
            highest = std::max(highest, machine.wall());
            const auto time =
                machine.take(random() % 3 == 0 || machine.times().wait(machine.now()) > 0ns);
            ++lead;
            ASSERT_GT(time, previous) << "history " << history;
            ASSERT_LE(time, highest + lead) << "history " << history;
            previous = time;
        }
        machine.step(1h);
        machine.next(2);
        ASSERT_EQ(toMillis(machine.last().time), machine.wall()) << "history " << history;
    }
}

}  // namespace
}  // namespace tidemill::core
