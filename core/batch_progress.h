// Numbers about the batches that have run.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/ids.h"
#include "core/time.h"

namespace tidemill::core {

// How the last batch went; for status lines.
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
};

}  // namespace tidemill::core
