// Wires one running job: directory, log, state, checkpoints, receivers and scheduler; starts them
// in the order in which they depend on each other (tidemill/start.h) and stops them in the reverse
// one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/buffer_pool.h"
#include "core/scheduler.h"
#include "core/timed_mutex.h"
#include "core/workers.h"
#include "tidemill/dead_letters.h"
#include "tidemill/inputs.h"
#include "tidemill/job.h"
#include "tidemill/listeners.h"
#include "tidemill/options.h"
#include "tidemill/running_job.h"
#include "tidemill/state_lookups.h"
#include "tidemill/status.h"

namespace tidemill {

// Thread safety: start() by one thread, once; the rest is thread-safe, also while it starts.
class Engine final : public core::BatchHooks {
public:
    Engine(const StreamingOptions& options, std::shared_ptr<Job> job,
           std::vector<std::shared_ptr<StreamingListener>> listeners = {});
    ~Engine() override;

    core::Result<> start();
    // Until the job has ended, and a stop that is under way is done. After a start that failed: its
    // error.
    core::Result<> wait();
    std::optional<core::Result<>> waitFor(std::chrono::nanoseconds timeout);
    bool starting() const { return stage_ == Stage::kStarting; }
    // Whether batch `id` was complete within `timeout`, a start that is under way included. After a
    // start that failed: its error.
    core::Result<bool> waitForBatch(core::BatchId id, std::chrono::nanoseconds timeout);
    bool running() const;
    // Idempotent; waits for a start, or another stop, that is under way. Graceful: all that was
    // received is processed and checkpointed.
    core::Result<> stop(bool graceful);
    // For threads that the job runs on: begins a stop and returns at once.
    void stopSoon(bool graceful);

    EngineStatus status() const;
    // None before the start, and without a data directory.
    std::optional<std::uint64_t> requestCheckpoint();
    // See StreamingContext. Errors: kConflict when the job does not run or has no data directory,
    // else those of Checkpointer.
    core::Result<std::uint64_t> requestSavepoint(std::string name);
    // See StreamingContext. Errors: kConflict when the job does not run, else those of Intake.
    core::Result<> pauseSource(std::uint32_t number, bool paused);
    core::Result<> setSourceRate(std::uint32_t number, std::optional<Rate> rate);
    // See StreamingContext. Errors: kConflict when the job does not run, else those of StateLookups.
    core::Result<> lookUpState(const std::string& state, std::string key, StateLookups::Done done);
    std::vector<std::uint16_t> boundPorts() const;

private:
    enum class Stage { kStarting, kStarted, kNotStarted };

    core::Result<> run();
    void endStart(Stage stage);
    // False: it has not ended in time; without a time it waits for ever.
    bool awaitStart(std::optional<std::chrono::steady_clock::time_point> until);
    core::Result<> finalCheckpoint();
    void spaceIsLow(bool low);
    std::vector<OutputStatus> outputStatus() const;
    core::Result<> explained(core::Result<> outcome) const;
    core::Result<> stopWithoutPeers(core::Result<> outcome, bool graceful) const;

    void flushInputs(BatchTime time) override;
    core::Result<std::size_t> prepareRanges(core::Instant now, std::size_t bytesMax) override;
    core::Result<std::vector<core::SourceRange>> planRanges(std::size_t bytesMax) override;
    core::Framing framing(core::SourceId source) const override;
    bool inputsWait() const override;
    core::Error batchFailed(core::BatchRun& run, core::Error error) override;
    core::Result<> afterRun(const core::BatchRun& run, bool withOutputs) override;
    core::Result<> atBoundary(const core::BatchRecord& record, bool repeatable) override;

    const StreamingOptions options_;
    const std::shared_ptr<Job> job_;
    core::SystemClock systemClock_;
    core::Clock& clock_;
    Listeners listeners_;

    // In the order of construction; destroyed in the reverse.
    DeadLetters deadLetters_;
    std::shared_ptr<core::BufferPool> buffers_;
    core::Workers workers_;
    RunningJob parts_;
    Inputs inputs_;
    StateLookups lookups_;

    std::atomic<bool> spaceLow_ = false;

    // What others may look at is complete from kStarted on, and stays.
    std::atomic<Stage> stage_ = Stage::kStarting;
    std::mutex startMutex_;
    std::condition_variable startEnds_;

    core::TimedMutex lifeMutex_;  // held while it starts and while it stops
    core::Result<> startResult_;
    bool stopped_ = false;
    core::Result<> stopResult_;

    std::mutex stopperMutex_;
    std::thread stopper_;
};

}  // namespace tidemill
