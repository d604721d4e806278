// StreamingListener: what a program can hear of its running job.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace tidemill {

struct ReceiverInfo {
    std::uint32_t source = 0;  // place in which the program declared the source, from 0
    std::string description;   // "socketTextStream dials localhost:9999"
    std::string message;       // what happened, in words
};

// What a batch takes from one source.
struct InputInfo {
    std::uint32_t source = 0;
    std::string description;
    // Of files nothing before the batch is complete, and then what was read of them.
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
};

struct BatchInfo {
    std::uint64_t id = 0;
    BatchTime time{};
    bool replayed = false;  // run again after a crash; its outputs only if it was the last one
    std::vector<InputInfo> inputs;
    std::uint64_t records() const {
        std::uint64_t sum = 0;
        for (const auto& input : inputs) sum += input.records;
        return sum;
    }
    // From when the batch was due to its start, from there to its completion, and both together.
    // Nothing before the event that ends the span.
    std::optional<std::chrono::nanoseconds> schedulingDelay;
    std::optional<std::chrono::nanoseconds> processingDelay;
    std::optional<std::chrono::nanoseconds> totalDelay;
};

struct OutputInfo {
    std::uint64_t batch = 0;
    BatchTime time{};
    std::size_t output = 0;   // place in which the program declared it, from 0
    std::string description;  // "print 10"
    std::optional<std::chrono::nanoseconds> duration;  // once it has completed
    std::optional<std::string> error;                  // when it failed
    // It had shown the batch before a crash already, and did nothing now.
    bool alreadyVisible = false;
};

// Derive from it and override what is of interest. Called by the job's own threads, one call at a
// time; must return quickly, and must not wait for the job (awaitTermination). It may stop the
// context: see StreamingContext::stop. What it throws is logged and goes no further.
class StreamingListener {
public:
    virtual ~StreamingListener() = default;
    // Recovery is done and sources are about to be opened.
    virtual void onStarted() {}
    virtual void onReceiverStarted(const ReceiverInfo&) {}
    // Something failed and the receiver goes on by itself.
    virtual void onReceiverError(const ReceiverInfo&) {}
    virtual void onReceiverStopped(const ReceiverInfo&) {}
    virtual void onBatchSubmitted(const BatchInfo&) {}
    virtual void onBatchStarted(const BatchInfo&) {}
    virtual void onOutputOperationStarted(const OutputInfo&) {}
    virtual void onOutputOperationCompleted(const OutputInfo&) {}
    virtual void onBatchCompleted(const BatchInfo&) {}
};

}  // namespace tidemill
