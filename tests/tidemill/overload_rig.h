// A job that takes less than it is sent, in a process of its own: how much memory it comes to, and
// whether it loses anything.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidemill::test {

struct Overload {
    std::size_t peakBytes = 0;    // resident, of the job's process
    std::size_t budgetBytes = 0;  // all it was given: receiving, changed state, cache
    // The most there was at one time, and the limits.
    std::size_t receiveBytes = 0, receiveBudgetBytes = 0;
    std::size_t deltaBytes = 0, deltaBudgetBytes = 0;
    std::uint64_t checkpoints = 0;
    double offeredBytesPerSecond = 0;  // what one core makes when nobody holds it back
    double takenBytesPerSecond = 0;
    std::uint64_t lines = 0;  // sent
    // Of the job's last checkpoint: keys that only one line has, how many of these are counted
    // once, and the sum of the others.
    std::uint64_t ownKeys = 0, ownKeysOnce = 0, commonSum = 0;
};

// Sends for so long, as fast as the job reads, then lets it process the rest and stop. A failure of
// the rig itself is a failure of the test.
Overload overload(std::chrono::seconds length);

// The claims, of one run.
void expectBounded(const Overload& run);

}  // namespace tidemill::test
