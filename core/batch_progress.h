// Numbers about the batches that have run.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/ids.h"
#include "core/time.h"

namespace tidemill::core {

// The batch under way, at the moment it is asked for.
struct RunningBatch {
    BatchId batch;
    std::chrono::nanoseconds sinceDue{};    // when it was to begin
    std::chrono::nanoseconds sinceBegun{};  // at most sinceDue
};

// How the last batch went, and the one under way; for status lines.
struct BatchProgress {
    BatchId batch;
    BatchTime time{};
    std::uint64_t batches = 0;                   // run since the start
    std::uint64_t records = 0;                   // in blocks, since the start
    std::uint64_t bytes = 0;                     // likewise
    std::chrono::nanoseconds schedulingDelay{};  // last batch: from due to begun
    std::chrono::nanoseconds processing{};       // last batch: from begun to complete
    std::chrono::nanoseconds processingTotal{};
    // How far the wall clock was behind the last batch's time when that took it; zero: it was not.
    Duration clockBehind{0};
    // In blocks, by the source they are of, since the start; shorter when the last ones gave none.
    std::vector<std::uint64_t> sourceRecords;
    std::optional<RunningBatch> running;  // none between batches, and while recorded ones replay
};

}  // namespace tidemill::core
