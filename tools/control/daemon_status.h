// What a running daemon says of itself: how it is in plain words, rates of the last seconds, and
// all numbers; for `tidemill status`, its page and its metrics.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
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

// `then` is a sample of some seconds before, or `now` itself. A pure function: tests give it any
// numbers.
HealthReport judge(Phase phase, const std::string& progress, const StreamingOptions& options,
                   const StatusSample& then, const StatusSample& now);

// Thread safety: thread-safe.
class DaemonStatus {
public:
    DaemonStatus(const StreamingOptions& options, std::function<EngineStatus()> engine);

    void phase(Phase phase);
    // The line of progress that a long start or stop says.
    void progress(const std::string& line);
    // Keeps the numbers of this moment; once a second.
    void sample();

    // docs/formats/control.md. Never waits for a batch, a checkpoint, a start or a stop.
    nlohmann::ordered_json report() const;

private:
    // The newest sample at least this old, or the oldest one.
    const StatusSample& before(std::chrono::seconds age) const;

    const StreamingOptions options_;
    const std::function<EngineStatus()> engine_;
    const std::chrono::system_clock::time_point startedAt_;
    const std::chrono::steady_clock::time_point started_;

    mutable std::mutex mutex_;
    Phase phase_ = Phase::kStarting;
    std::string progress_;
    std::deque<StatusSample> samples_;  // of the last minute, oldest first
    // Bytes that batches had taken when the newest checkpoint was first seen, for the time a replay
    // takes.
    std::uint64_t batchesSeen_ = 0;
    std::chrono::steady_clock::time_point batchAt_;  // when they became so many
    std::uint64_t checkpointsSeen_ = 0;
    std::uint64_t bytesAtCheckpoint_ = 0;
};

}  // namespace tidemill::tools
