// Wires one running job: directory, log, state, checkpoints, receivers and scheduler; starts them
// in the order in which they depend on each other and stops them in the reverse one.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/buffer_pool.h"
#include "core/receiver.h"
#include "core/scheduler.h"
#include "core/workers.h"
#include "recovery/attempts.h"
#include "recovery/log_writer.h"
#include "recovery/recover.h"
#include "sources/network_service.h"
#include "state/state_store.h"
#include "tidemill/checkpointer.h"
#include "tidemill/dead_letters.h"
#include "tidemill/disk_budget.h"
#include "tidemill/job.h"
#include "tidemill/listeners.h"
#include "tidemill/operator_match.h"
#include "tidemill/options.h"
#include "tidemill/session_positions.h"
#include "tidemill/source_positions.h"
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
    // Whether batch `id` was complete within `timeout`.
    core::Result<bool> waitForBatch(core::BatchId id, std::chrono::nanoseconds timeout);
    bool running() const;
    // Idempotent; waits for a start, or another stop, that is under way. Graceful: all that was
    // received is processed and checkpointed.
    core::Result<> stop(bool graceful);
    // For threads that the job runs on: begins a stop and returns at once.
    void stopSoon(bool graceful);

    EngineStatus status() const;
    std::vector<std::uint16_t> boundPorts() const;

private:
    core::Result<> run();
    core::Result<> openDurable();
    state::StateStoreOptions storeOptions(const core::Path& workDirectory) const;
    core::Result<> openInMemory();
    core::Result<> checkJob() const;
    core::Result<> checkPlaces() const;
    // `last`: the last recorded batch; none in a new data directory.
    core::Result<> prepareOutputs(const std::optional<core::BatchRecord>& last);
    core::Result<> resumeFrom(recovery::Recovered& recovered);
    void suspectIfCorrupt(const core::Result<>& result) const;
    core::Result<> sayIfHeals(core::Result<> result) const;
    // Sets beginFingerprint_ too.
    core::Result<> bindStates(const std::optional<core::BatchMark>& mark);
    core::Result<> replay(recovery::Recovered& recovered);
    core::Result<> replayLast(core::BatchRecord& record, std::vector<core::BlockPtr> blocks);
    core::Result<bool> changeLast(core::BatchRecord& record,
                                  std::span<const core::BlockPtr> blocks) const;
    std::string waysOn(core::BatchId batch, const std::optional<core::RecordPlace>& place) const;
    core::SchedulerOptions schedule() const;
    void tellFirstStart(BatchTime time);
    core::Result<> startReceivers();
    core::Result<> finalCheckpoint();
    void spaceIsLow(bool low);
    core::Result<> stillOurs() const;
    core::Result<> explained(core::Result<> outcome) const;
    core::BatchMark markOf(const core::BatchRecord& record) const;
    void progress(const std::string& line) const;

    void sealInputs(BatchTime time) override;
    core::Result<std::size_t> prepareRanges(core::Instant now, std::size_t bytesMax) override;
    core::Result<std::vector<core::SourceRange>> planRanges(std::size_t bytesMax) override;
    core::Framing framing(core::SourceId source) const override;
    core::Error batchFailed(core::BatchRun& run, core::Error error) override;
    core::Result<> afterRun(const core::BatchRun& run, bool withOutputs) override;
    core::Result<> atBoundary(const core::BatchRecord& record) override;

    const StreamingOptions options_;
    const std::shared_ptr<Job> job_;
    const std::uint64_t fingerprint_;
    const std::uint64_t steps_;
    std::string owner_;         // identity of the data directory, or of this process without one
    std::uint64_t nonce_ = 0;   // random, of this start
    std::uint64_t beginFingerprint_ = 0;  // see SchedulerOptions
    core::SystemClock systemClock_;
    core::Clock& clock_;
    Listeners listeners_;

    // In the order of construction; destroyed in the reverse.
    std::unique_ptr<recovery::DataDirectory> directory_;
    std::unique_ptr<recovery::Generations> generations_;
    std::unique_ptr<recovery::AttemptsFile> attempts_;
    std::unique_ptr<state::StateStore> store_;
    OperatorMatch operators_;
    std::unique_ptr<SessionPositions> sessions_;
    std::unique_ptr<SourcePositions> sourcePositions_;
    DeadLetters deadLetters_;
    std::shared_ptr<core::BufferPool> buffers_;
    std::unique_ptr<core::BlockLog> log_;
    recovery::LogWriter* logWriter_ = nullptr;  // log_, when it is durable
    core::Workers workers_;
    std::unique_ptr<Checkpointer> checkpointer_;
    std::unique_ptr<core::Scheduler> scheduler_;
    std::unique_ptr<sources::NetworkService> network_;
    std::vector<std::shared_ptr<core::Receiver>> receivers_;

    core::BatchId stoppedAt_;      // the last batch, when it ended the job before its end
    bool completeBefore_ = false;  // the batch that runs came to its end in an earlier process
    bool readInFull_ = false;      // the checkpoint was, at this start
    core::Position position_;  // where the directory's batches end, before start()
    std::optional<core::BatchRecord> lastComplete_;
    std::chrono::nanoseconds startBegun_{};
    DiskBudget disk_;
    std::atomic<bool> spaceLow_ = false;

    // What others may look at is complete from kStarted on, and stays.
    enum class Stage { kStarting, kStarted, kNotStarted };
    std::atomic<Stage> stage_ = Stage::kStarting;

    std::timed_mutex lifeMutex_;  // held while it starts and while it stops
    core::Result<> startResult_;
    bool stopped_ = false;
    core::Result<> stopResult_;

    std::mutex stopperMutex_;
    std::thread stopper_;
};

}  // namespace tidemill
