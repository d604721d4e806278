// Ends a job gracefully when a signal asks for it: StreamingContext::stopOnSignals.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "core/stop_signals.h"

namespace tidemill {

class Engine;
struct Job;

// Destroyed before the engine it was given. Thread safety: thread-safe.
class SignalStop {
public:
    explicit SignalStop(std::shared_ptr<const Job> job);
    ~SignalStop();

    // The job runs: a signal that has come, or comes now, stops it.
    void started(Engine& engine);

    // When a signal has begun to stop the job: waits until it has stopped; returns how.
    core::Result<> finished();

private:
    void loop();

    const std::shared_ptr<const Job> job_;
    core::StopSignals signals_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Engine* engine_ = nullptr;
    bool ended_ = false;  // nobody waits for signals any more
    bool stopping_ = false;
    bool stopped_ = false;
    core::Result<> result_;
    std::thread thread_;
};

}  // namespace tidemill
