// How well a job is, judged from its numbers alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tidemill/options.h"
#include "tidemill/status.h"

namespace tidemill::tools {

enum class Phase { kStarting, kRunning, kStopping };

// Numbers at one moment of the monotonic clock.
struct StatusSample {
    std::chrono::steady_clock::time_point at;
    EngineStatus engine;
};

enum class Health {
    kWell,     // keeps up
    kBehind,   // works, and later than it should
    kTrouble,  // something needs a person, or a peer is away
};

struct HealthReport {
    Health health = Health::kWell;
    std::vector<std::string> words;  // one sentence each, the worst first; never empty
};

// How late batches are, with the one under way taken into account.
struct Lateness {
    // From due to begun of the batch that began last; or, when that keeps the next one waiting for
    // longer already, and for a second at least, of the next one so far.
    std::chrono::nanoseconds late{};
    bool nextIsLater = false;
    // Batch times that have come since the batch under way was due.
    std::uint64_t waiting = 0;
};
Lateness lateness(const core::BatchProgress& batches, std::chrono::nanoseconds interval);

// `then` is a sample of some seconds before, or `now` itself. A pure function, as lateness() is:
// tests give it any numbers.
HealthReport judge(Phase phase, const std::string& progress, const StreamingOptions& options,
                   const StatusSample& then, const StatusSample& now);

}  // namespace tidemill::tools
