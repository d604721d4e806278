// Which time the next batch bears, and when it is due.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "core/time.h"

namespace tidemill::core {

// While running, batch time = previous + interval: late batches follow at once, none is skipped.
// The first one after a start is the newest interval boundary that wall time has passed, so that
// downtime makes one gap; in a new data directory it is the next boundary to come.
inline BatchTime firstBatchTime(std::optional<BatchTime> previous, BatchTime wall,
                                Duration interval) {
    const auto passed = wall.time_since_epoch() / interval;
    if (!previous) return BatchTime((passed + 1) * interval);
    return std::max(*previous + interval, BatchTime(passed * interval));
}

// Due times follow the monotonic clock, so that a jump of the wall clock moves none; only the
// first waits for the wall to reach its time, and at most one interval.
inline std::chrono::nanoseconds firstDue(BatchTime first, BatchTime wall,
                                         std::chrono::nanoseconds monotonic, Duration interval) {
    const Duration wait = std::clamp(first - wall, Duration(0), interval);
    return monotonic + wait;
}

}  // namespace tidemill::core
