// The whole engine, its RocksDB included, on a disk that dies, loses its power or fails at its Nth
// operation, for all N, and once more inside the recovery that follows. Whatever happens, outputs,
// saved files and state come to what a naive engine computes.
//
// A smoke of it runs by default. TIDEMILL_SIMULATION_SEEDS jobs and TIDEMILL_SIMULATION_STRIDE,
// every how many operations, make it longer; a failure prints what repeats it alone.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

#include "core/logging.h"
#include "tests/simulation/simulated_job.h"

namespace tidemill::test {
namespace {

using testing::FaultFileSystem;
using testing::SimulatedDisk;
using Fate = SimulatedDisk::Fate;
using Fault = FaultFileSystem::Fault;

constexpr std::int64_t kBatches = 7;
// The recovery of such a job has fewer operations than this.
constexpr std::uint64_t kRecoveryOperations = 160;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// One history: a fault at operation `first` of the first life, and, unless 0, another one at
// operation `second` of the next.
struct Point {
    unsigned seed = 0;
    Fault fault = Fault::kNone;
    Fate fate = Fate::kKeepAll;
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    unsigned workers = 1;

    std::string replay() const {
        return "TIDEMILL_SIMULATION_POINT=" + std::to_string(seed) + "," +
               std::to_string(static_cast<int>(fault)) + "," +
               std::to_string(static_cast<int>(fate)) + "," + std::to_string(first) + "," +
               std::to_string(second) + "," + std::to_string(workers) +
               " simulation_test --gtest_filter=Simulation.OnePoint";
    }
};

class Simulation : public ::testing::Test {
protected:
    Simulation() { core::setLogLevel(core::LogLevel::kOff); }
    ~Simulation() override {
        core::setLogLevel(core::LogLevel::kInfo);
        std::cout << "  " << points_ << " points\n";
    }

    // Operations of an undisturbed life, which must be right by itself.
    std::uint64_t operations(const SimulatedPlan& plan) {
        SimulatedJob job(plan);
        job.faults().arm(Fault::kNone, 0);
        const auto lived = job.live();
        EXPECT_TRUE(lived) << lived.error().message;
        EXPECT_EQ(job.differences(), "") << plan.description();
        EXPECT_TRUE(job.hasTrimmed()) << "the log was never cut\n" << plan.description();
        return job.faults().changes();
    }

    // False when something was lost, doubled or never came back. `secondFired`: whether the second
    // fault still had an operation to hit.
    bool holds(const SimulatedPlan& plan, const Point& point, bool* secondFired = nullptr) {
        ++points_;
        SimulatedJob job(plan, point.workers);
        job.faults().arm(point.fault, point.first);
        (void)job.live();
        job.disk().crash(point.fate, point.first);
        if (point.second != 0) {
            job.faults().arm(point.fault, point.second);
            (void)job.live();
            if (secondFired != nullptr) *secondFired = job.faults().fired();
            job.disk().crash(point.fate, point.first + point.second);
        }
        job.faults().arm(Fault::kNone, 0);
        const auto lived = job.live();
        EXPECT_TRUE(lived) << lived.error().message << "\n" << point.replay();
        const auto differences = lived ? job.differences() : "";
        EXPECT_EQ(differences, "") << plan.description() << point.replay();
        return lived && differences.empty();
    }

    // Every `stride`th operation of every seed, with the fates in turn; nested: for each of them,
    // every `secondStride`th one of the recovery that follows.
    void sweep(Fault fault, std::uint64_t stride, std::uint64_t secondStride = 0,
               unsigned workers = 1) {
        const auto seeds = setting("TIDEMILL_SIMULATION_SEEDS", 2);
        const auto wanted = setting("TIDEMILL_SIMULATION_STRIDE", 0);
        // Each nested operation is followed by some nine of the recovery.
        if (wanted != 0) stride = secondStride == 0 ? wanted : 9 * wanted;
        for (unsigned seed = 1; seed <= seeds; ++seed) {
            const SimulatedPlan plan(seed, kBatches);
            const auto all = operations(plan);
            ASSERT_GT(all, 100u);
            for (std::uint64_t first = 1 + seed % stride; first <= all; first += stride) {
                const Fate fate = static_cast<Fate>(first % 3);
                if (secondStride == 0) {
                    if (!holds(plan, {seed, fault, fate, first, 0, workers})) return;
                    continue;
                }
                bool fired = true;
                for (std::uint64_t second = 1 + first % secondStride;
                     fired && second < kRecoveryOperations; second += secondStride)
                    if (!holds(plan, {seed, fault, fate, first, second, workers}, &fired)) return;
            }
            progress(seed, seeds);
        }
    }

    // For campaigns, which take many minutes.
    void progress(unsigned seed, std::uint64_t seeds) const {
        if (std::getenv("TIDEMILL_SIMULATION_SEEDS") == nullptr) return;
        std::cout << "  job " << seed << " of " << seeds << ": "
                  << ::testing::UnitTest::GetInstance()->current_test_info()->name() << ", "
                  << points_ << " points so far" << std::endl;
    }

    void count() { ++points_; }

private:
    std::uint64_t points_ = 0;
};

TEST_F(Simulation, DyingAtAnyOperationLosesAndDoublesNothing) { sweep(Fault::kCrash, 37); }

TEST_F(Simulation, DyingAgainInTheRecoveryLosesAndDoublesNothing) { sweep(Fault::kCrash, 331, 17); }

TEST_F(Simulation, AnErrorOfTheDiskLosesAndDoublesNothing) {
    sweep(Fault::kErrorOnce, 101);
    sweep(Fault::kErrorForEver, 307);
}

TEST_F(Simulation, ADiskThatIsFullForAMomentLosesAndDoublesNothing) { sweep(Fault::kNoSpace, 101); }

// In whatever order two workers write.
TEST_F(Simulation, DyingWithTwoWorkersLosesAndDoublesNothing) { sweep(Fault::kCrash, 101, 0, 2); }

TEST_F(Simulation, ManyLivesThatAllDieAddUp) {
    const auto seeds = setting("TIDEMILL_SIMULATION_SEEDS", 2);
    for (unsigned seed = 1; seed <= 2 * seeds; ++seed) {
        const SimulatedPlan plan(seed, kBatches);
        std::mt19937 random(seed);
        SimulatedJob job(plan);
        for (int life = 0; life < 12; ++life) {
            count();
            job.faults().arm(Fault::kCrash, 1 + random() % 400);
            (void)job.live();
            job.disk().crash(static_cast<Fate>(random() % 3), random());
        }
        job.faults().arm(Fault::kNone, 0);
        const auto lived = job.live();
        ASSERT_TRUE(lived) << lived.error().message << "\nseed " << seed;
        ASSERT_EQ(job.differences(), "") << plan.description() << "seed " << seed;
    }
}

TEST_F(Simulation, OnePoint) {
    const char* text = std::getenv("TIDEMILL_SIMULATION_POINT");
    if (text == nullptr) GTEST_SKIP() << "repeats the point that a failure named";
    Point point;
    int fault = 0;
    int fate = 0;
    unsigned long first = 0;
    unsigned long second = 0;
    ASSERT_EQ(std::sscanf(text, "%u,%d,%d,%lu,%lu,%u", &point.seed, &fault, &fate, &first, &second,
                          &point.workers),
              6);
    point.fault = static_cast<Fault>(fault);
    point.fate = static_cast<Fate>(fate);
    point.first = first;
    point.second = second;
    core::setLogLevel(core::LogLevel::kInfo);
    holds(SimulatedPlan(point.seed, kBatches), point);
}

}  // namespace
}  // namespace tidemill::test
