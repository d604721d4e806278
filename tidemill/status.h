// Numbers about a running job, for status lines and listeners.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_progress.h"
#include "core/rate.h"
#include "core/source.h"
#include "tidemill/source_errors.h"

namespace tidemill {

struct SourceStatus {
    std::string description;  // "socketTextStream dials localhost:9999"
    std::string label;        // what messages call it
    core::SourceStatistics statistics;
    // Since the start. A source goes on by itself after all but the one that ends the job.
    std::uint64_t errors = 0;
    std::string lastError;
    bool retrying = false;  // nothing comes from it until it has found its peer again
    bool paused = false;    // by an operator
    std::optional<Rate> maxRate{};
};

struct OutputStatus {
    std::string description;  // "print 10"
    // The peer is away, and batches wait for it: why, how often it was tried, and for how long.
    bool waiting = false;
    std::string lastError{};
    std::uint64_t attempts = 0;
    std::chrono::nanoseconds waits{};
};

struct EngineStatus {
    std::vector<SourceStatus> sources;      // in the order of their declaration
    std::vector<SourceError> sourceErrors;  // the last 100, also of earlier lives; oldest first
    std::vector<OutputStatus> outputs;      // likewise; known while it starts, too
    // While a start replays a batch: tasks of batches done so far. What follows is 0 then.
    std::optional<std::uint64_t> replayTasks;
    core::BatchProgress batches;
    std::uint64_t receivedBytes = 0;
    std::uint64_t receivedRecords = 0;
    std::uint64_t oversizeRecords = 0;
    std::uint64_t failedRecords = 0;  // left out because a function threw; see ErrorPolicy
    std::size_t connections = 0;
    // Received and not yet processed, and the limit at which sockets are no longer read.
    std::size_t receiveBytes = 0;
    std::size_t receiveBudgetBytes = 0;
    std::size_t deltaBytes = 0;
    std::size_t deltaBudgetBytes = 0;
    std::uint64_t logBytes = 0;
    std::uint64_t logWrittenBytes = 0;
    std::uint64_t checkpoints = 0;  // since the start
    std::uint64_t checkpointBytes = 0;
    std::uint64_t checkpointsAnswered = 0;  // see StreamingContext::requestCheckpoint
    // Batch of the newest checkpoint and how long ago it was made; none yet: nullopt.
    std::optional<std::uint64_t> checkpointBatch;
    std::chrono::nanoseconds checkpointAge{};
    bool spaceLow = false;
    // The data directory is a fork whose batches are shown to no output.
    bool outputsOff = false;
};

}  // namespace tidemill
