// Makes batches: at each batch time cuts what was received, records it in the log, and runs the
// graph on it; one batch at a time, in id order, while receiving and logging go on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "core/batch_progress.h"
#include "core/batch_record.h"
#include "core/batch_run.h"
#include "core/batch_size.h"
#include "core/batch_times.h"
#include "core/block_log.h"
#include "core/clock.h"
#include "core/graph.h"

namespace tidemill::core {

// What the scheduler calls around batches, from the thread that runs them: its own, or in replay()
// the caller's. "The scheduler's thread" means that one everywhere. An error ends the job.
class BatchHooks {
public:
    virtual ~BatchHooks() = default;
    // At a batch time, before the record: live inputs append what they hold open.
    virtual void flushInputs(BatchTime time) = 0;
    // Before that: replayable sources get ready what the batch may take; returns how many bytes.
    virtual Result<std::size_t> prepareRanges(Instant now, std::size_t bytesMax) = 0;
    // With the log held: they say what it takes.
    virtual Result<std::vector<SourceRange>> planRanges(std::size_t bytesMax) = 0;
    virtual Framing framing(SourceId source) const = 0;
    // While the job finishes: live inputs hold something that the next batch would take.
    virtual bool inputsWait() const { return false; }
    // The stages and, with `withOutputs`, the outputs of the batch have run.
    virtual Result<> afterRun(const BatchRun& run, bool withOutputs) = 0;
    // A stage or an output of the batch has failed: returns the error to end the job with. The
    // stages have let go of what they held.
    virtual Error batchFailed(BatchRun& run, Error error) {
        (void)run;
        return error;
    }
    // `record` is complete: the point between it and the next batch. `repeatable`: the next record
    // can say what it left out, so that it may be run again exactly.
    virtual Result<> atBoundary(const BatchRecord& record, bool repeatable) = 0;
};

struct SchedulerOptions {
    Duration interval{1000};
    // Some stream slides: grid times must meet the times that lie multiples of its slide behind the
    // directory's zero time.
    bool slides = false;
    // Of blocks in memory, and of files. A batch whose blocks need not stay in memory is larger
    // when it has been seen that little else is held for one; see BatchSize.
    std::size_t maxBatchBytes = 256 << 20;
    std::uint64_t fingerprint = 0;
    // See BatchRecord.
    std::uint64_t steps = 0;
    // Records whose function throws are left out and given to afterRun, unless kStop.
    OnError onError = OnError::kStop;
    std::size_t deadLettersMax = 10'000;
    // Identity of the data directory, for what outputs publish.
    std::string owner;
    // False: no batch is given to the outputs.
    bool shows = true;
    // Random; see BatchRecord.
    std::uint64_t nonce = 0;
    // Of the first batch when nothing is replayed before it; 0: the same.
    std::uint64_t beginFingerprint = 0;
};

// Thread safety: thread-safe, except where said.
class Scheduler {
public:
    // `observer` may be null.
    Scheduler(SchedulerOptions options, Clock& clock, BlockLog& log, Graph& graph, Workers& workers,
              BatchHooks& hooks, BatchObserver* observer = nullptr);
    ~Scheduler();

    struct Replay {
        // The batch is the last one recorded: its outputs run.
        bool isLast = false;
        // What it left out, as the next record says; null: nobody knows.
        const SkippedOfBatch* skipped = nullptr;
        // It runs one record after another, and this is told of each; null: it runs as always.
        ProgressMarker* marker = nullptr;
    };
    // Re-runs a batch that was recorded before this start, and whose record was found to fit its
    // blocks and this build. Call before start(), in id order. Errors: those of the batch.
    Result<> replay(const BatchRecord& record, std::vector<BlockPtr> blocks, const Replay& how);

    // Begins to make batches behind `last`, where the data directory's batches end, on a thread of
    // its own.
    void start(const Boundary& last);

    // Runs what was received, without waiting for batch times, and ends. Call once nothing more is
    // received. Returns when ended.
    void finish();

    // Ends without running what is not recorded yet. Returns when ended.
    void abandon();

    // Waits until ended; returns how. With a timeout, nullopt when it passed first.
    Result<> wait();
    std::optional<Result<>> waitFor(std::chrono::nanoseconds timeout);

    // Waits until batch `id` is complete; false when the time passed or the job ended without it.
    // Errors: what ended the job.
    Result<bool> waitForBatch(BatchId id, std::chrono::nanoseconds timeout);

    // The log failed or something else did: end the job with this error.
    void fail(Error error);

    BatchProgress progress() const;

private:
    void loop();
    bool waitForDue();
    Result<> nextBatch();
    Instant now() const { return {clock_.exactWall(), clock_.monotonic()}; }
    BatchTime takeTime();
    BatchRecord makeRecord(BatchTime time, const std::vector<BlockPtr>& blocks,
                           std::vector<SourceRange> ranges, std::vector<OutputNote> notes);
    Result<> run(const BatchRecord& record, std::vector<BlockPtr> blocks, const Replay& how);
    void end(Result<> outcome);

    const SchedulerOptions options_;
    Clock& clock_;
    BlockLog& log_;
    Graph& graph_;
    Workers& workers_;
    BatchHooks& hooks_;
    BatchObserver* observer_;

    Boundary last_;  // the last complete batch's; the scheduler thread's
    std::uint64_t nextFingerprint_;
    BatchSize batchSize_;
    SkippedOfBatch skipped_{{}, true};  // of the batch before
    std::optional<BatchTimes> times_;
    std::chrono::nanoseconds due_{};  // of the batch that runs
    bool held_ = false;               // times hold, and that was said

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    enum class RequestedState { kRun, kFinish, kAbandon } requested_ = RequestedState::kRun;
    bool ended_ = true;
    Result<> outcome_;
    BatchProgress progress_;
    std::thread thread_;
};

}  // namespace tidemill::core
