#include "tidemill/engine.h"

#include "core/failpoint.h"
#include "core/logging.h"
#include "core/own_thread.h"
#include "core/peer_wait.h"
#include "tidemill/batch_failure.h"
#include "tidemill/replay_options.h"
#include "tidemill/start.h"

namespace tidemill {

using core::BatchId;
using core::BatchRecord;
using core::ErrorKind;
using core::Result;

Engine::Engine(const StreamingOptions& options, std::shared_ptr<Job> job,
               std::vector<std::shared_ptr<StreamingListener>> listeners)
    : options_(options),
      job_(std::move(job)),
      clock_(options_.clock ? *options_.clock : systemClock_),
      listeners_(*job_, clock_, std::move(listeners)),
      deadLetters_(*job_->files, deadLetterDirectory(options_)),
      buffers_(core::BufferPool::make(receiveBudget(options_))),
      inputs_(*job_, clock_, listeners_,
              [this](core::Error error) { parts_.scheduler->fail(std::move(error)); }) {}

Engine::~Engine() {
    (void)stop(false);
    if (stopper_.joinable()) stopper_.join();
}

Result<> Engine::start() {
    const std::lock_guard lock(lifeMutex_);
    if (stopped_) {
        endStart(Stage::kNotStarted);
        return {};
    }
    const core::OwnThreadScope own;  // replayed outputs run here
    Result<> result;
    startResult_ = core::catchingAll([&] { result = run(); });
    if (startResult_) startResult_ = std::move(result);
    endStart(startResult_ ? Stage::kStarted : Stage::kNotStarted);
    return startResult_;
}

void Engine::endStart(Stage stage) {
    const std::lock_guard lock(startMutex_);
    stage_ = stage;
    startEnds_.notify_all();
}

bool Engine::awaitStart(std::optional<std::chrono::steady_clock::time_point> until) {
    std::unique_lock lock(startMutex_);
    const auto ended = [this] { return stage_ != Stage::kStarting; };
    if (until) return startEnds_.wait_until(lock, *until, ended);
    startEnds_.wait(lock, ended);
    return true;
}

Result<> Engine::run() {
    TM_TRY(job_->validate());
    TM_TRY(workers_.start(options_.workers));
    Start start({options_, *job_, clock_, workers_, *this, listeners_, deadLetters_, inputs_},
                parts_);
    TM_TRY(start.run());
    if (options_.replayOnly)
        return !options_.replay || options_.replay->keeps ? finalCheckpoint() : Result<>();
    listeners_.started();
    parts_.log->onDurable([this](const Result<core::Lsn>& durable) {
        if (!durable) parts_.scheduler->fail(durable.error());
    });
    if (parts_.logWriter) parts_.logWriter->onSpaceLow([this](bool low) { spaceIsLow(low); });
    TM_TRY(inputs_.start(*parts_.log, buffers_, options_));
    parts_.scheduler->start(parts_.recorded);
    return {};
}

void Engine::spaceIsLow(bool low) {
    spaceLow_ = low;
    if (low) {
        const auto space = job_->files->space(options_.directory);
        core::logWarning(
            "the disk is nearly full: sockets are not read until there is room again; " +
            (space ? describeSpace(parts_.disk, *space) + "; " : std::string()) +
            "directory=" + options_.directory.string());
        parts_.checkpointer->hurry();
        inputs_.intake().spaceIsLow(true);
    } else {
        core::logInfo("the disk has room again: reading sockets");
        inputs_.intake().spaceIsLow(false);
    }
}

void Engine::flushInputs(BatchTime time) { inputs_.atBatchTime(time); }

Result<std::size_t> Engine::prepareRanges(core::Instant now, std::size_t bytesMax) {
    return inputs_.prepareRanges(now, bytesMax);
}

Result<std::vector<core::SourceRange>> Engine::planRanges(std::size_t bytesMax) {
    TM_TRY(parts_.stillOurs());
    return inputs_.planRanges(bytesMax, workers_.count());
}

core::Framing Engine::framing(core::SourceId source) const {
    return job_->sources.at(source.value).framing;
}

bool Engine::inputsWait() const { return inputs_.wait(); }

core::Error Engine::batchFailed(core::BatchRun& run, core::Error error) {
    if (error.kind != ErrorKind::kUserCode) return error;
    return explainFailure(*job_, run, error, parts_.completeBefore, parts_.attempts.get());
}

Result<> Engine::afterRun(const core::BatchRun& run, bool withOutputs) {
    // What a replayed batch without outputs leaves out was told before it was complete.
    if (withOutputs) TM_TRY(deadLetters_.report(run, job_->sources));
    TM_TRY(parts_.lanes->advance(run));
    TM_TRY(parts_.sourcePositions->keep());
    // Peers are told how far the original is, not how far a fork or a check on a copy.
    if (!options_.replayOnly && !parts_.outputsOff) inputs_.batchCompleted(run.blocks());
    return {};
}

Result<> Engine::atBoundary(const BatchRecord& record, bool repeatable) {
    parts_.lastComplete = record;
    lookups_.atBoundary(parts_);
    if (!parts_.checkpointer) return {};
    if (!repeatable) return parts_.checkpointer->checkpointNow(parts_.markOf(record));
    return parts_.checkpointer->atBoundary([&] { return parts_.markOf(record); });
}

Result<> Engine::wait() {
    awaitStart(std::nullopt);
    if (stage_ == Stage::kNotStarted) return startResult_;
    auto outcome = parts_.sayIfHeals(parts_.scheduler->wait());
    // What follows the last batch of a stop, its checkpoint for one, may still fail.
    const std::lock_guard stopping(lifeMutex_);
    return stopped_ ? stopResult_ : explained(std::move(outcome));
}

std::optional<Result<>> Engine::waitFor(std::chrono::nanoseconds timeout) {
    const auto until = std::chrono::steady_clock::now() + timeout;
    if (!awaitStart(until)) return std::nullopt;
    if (stage_ == Stage::kNotStarted) return startResult_;
    auto outcome = parts_.scheduler->waitFor(until - std::chrono::steady_clock::now());
    if (!outcome) return std::nullopt;
    const std::unique_lock stopping(lifeMutex_, until);
    if (!stopping) return std::nullopt;
    return stopped_ ? stopResult_ : explained(parts_.sayIfHeals(std::move(*outcome)));
}

// Whatever failed first in a directory that went, that it went is what to say.
Result<> Engine::explained(Result<> outcome) const {
    if (outcome) return outcome;
    auto ours = parts_.stillOurs();
    return ours ? outcome : ours;
}

bool Engine::running() const {
    return stage_ == Stage::kStarted && !parts_.scheduler->waitFor({}).has_value();
}

Result<bool> Engine::waitForBatch(BatchId id, std::chrono::nanoseconds timeout) {
    const auto until = std::chrono::steady_clock::now() + timeout;
    if (!awaitStart(until)) return false;
    if (stage_ == Stage::kNotStarted) {
        TM_TRY(Result<>(startResult_));
        return false;
    }
    return parts_.scheduler->waitForBatch(id, until - std::chrono::steady_clock::now());
}

// Receivers first, so that what they still hand over is in the log; then the batches; then the
// checkpoint at the last boundary; then the log.
Result<> Engine::stop(bool graceful) {
    // Before the lock: it may be held by one who waits for a peer.
    core::limitPeerWaits(job_->graph, graceful ? core::kPeerGrace : std::chrono::seconds(0));
    const std::lock_guard lock(lifeMutex_);
    const core::OwnThreadScope own;  // some listeners run here
    if (std::exchange(stopped_, true)) return stopResult_;
    const bool started = stage_ == Stage::kStarted && !options_.replayOnly;
    // A start that failed may have left a batch half done.
    graceful = graceful && started;
    inputs_.stop(graceful);
    if (parts_.scheduler) {
        const bool ran = started && !parts_.scheduler->waitFor({});
        if (graceful) parts_.scheduler->finish();
        else parts_.scheduler->abandon();
        stopResult_ = started ? parts_.scheduler->wait() : Result<>{};
        inputs_.stop(false);
        if (ran) stopResult_ = stopWithoutPeers(std::move(stopResult_), graceful);
    }
    if (graceful && stopResult_) stopResult_ = finalCheckpoint();
    stopResult_ = parts_.sayIfHeals(std::move(stopResult_));
    parts_.suspectIfCorrupt(stopResult_);
    lookups_.end();
    auto closed = parts_.close();
    if (stopResult_) stopResult_ = std::move(closed);
    stopResult_ = explained(std::move(stopResult_));
    return stopResult_;
}

// What a graceful stop has left where, when it has given up the wait for an output's peer; another
// stop leaves it so anyway.
Result<> Engine::stopWithoutPeers(Result<> outcome, bool graceful) const {
    if (outcome || outcome.error().kind != ErrorKind::kIo) return outcome;
    for (const auto& output : outputStatus()) {
        if (!output.waiting) continue;
        if (!graceful) return {};
        const auto complete = parts_.scheduler->progress().batch;
        std::string text = "output " + output.description + ": " + outcome.error().message + ". " +
                           (complete.value == 0 ? "No batch is complete; what was received "
                                                : "Batch " + toString(complete) +
                                                      " is the last complete one; what was "
                                                      "received behind it ");
        text += options_.directory.empty()
                    ? "was in memory only, and is lost"
                    : "stays in the log of " + options_.directory.string() +
                          ": nothing is lost, and the next start goes on with it";
        return core::fail(ErrorKind::kIo, std::move(text));
    }
    return outcome;
}

void Engine::stopSoon(bool graceful) {
    const std::lock_guard lock(stopperMutex_);
    if (!stopper_.joinable()) stopper_ = std::thread([this, graceful] { (void)stop(graceful); });
}

Result<> Engine::finalCheckpoint() {
    TM_TRY(core::reachFailpoint("shutdown.mid"));
    if (!parts_.checkpointer || !parts_.lastComplete) return {};
    return parts_.checkpointer->checkpointNow(parts_.markOf(*parts_.lastComplete));
}

std::optional<std::uint64_t> Engine::requestCheckpoint() {
    if (stage_ != Stage::kStarted || !parts_.checkpointer) return std::nullopt;
    return parts_.checkpointer->request();
}

Result<std::uint64_t> Engine::requestSavepoint(std::string name) {
    if (!running() || !parts_.checkpointer)
        return core::fail(
            ErrorKind::kConflict,
            "the job does not run, or has no data directory: no savepoint can be made");
    return parts_.checkpointer->requestSavepoint(std::move(name));
}

Result<> Engine::pauseSource(std::uint32_t number, bool paused) {
    if (!running())
        return core::fail(ErrorKind::kConflict, "the job does not run: no source can be paused");
    return inputs_.intake().pause(number, paused);
}

Result<> Engine::setSourceRate(std::uint32_t number, std::optional<Rate> rate) {
    if (!running())
        return core::fail(ErrorKind::kConflict, "the job does not run: no rate can be set");
    return inputs_.intake().setRate(number, rate);
}

std::vector<OutputStatus> Engine::outputStatus() const {
    std::vector<OutputStatus> all;
    for (const auto& output : job_->graph.outputs()) {
        auto& status = all.emplace_back();
        status.description = output->describe();
        const auto* peer = dynamic_cast<const core::WaitsForPeer*>(output.get());
        const auto wait = peer != nullptr ? peer->peerWait() : std::nullopt;
        if (!wait) continue;
        status.waiting = true;
        status.lastError = wait->message;
        status.attempts = wait->attempts;
        status.waits = std::chrono::steady_clock::now() - wait->since;
    }
    return all;
}

EngineStatus Engine::status() const {
    EngineStatus status;
    status.outputs = outputStatus();
    if (parts_.replaying) status.replayTasks = workers_.doneTasks();
    if (stage_ != Stage::kStarted) return status;
    if (parts_.scheduler) status.batches = parts_.scheduler->progress();
    status.outputsOff = parts_.outputsOff;
    status.batches.records += inputs_.rangeRecords();
    status.batches.bytes += inputs_.rangeBytes();
    status.sources = inputs_.status();
    status.sourceErrors = inputs_.recentErrors();
    for (const auto& source : status.sources) {
        status.receivedBytes += source.statistics.bytes;
        status.receivedRecords += source.statistics.records;
        status.oversizeRecords += source.statistics.oversize;
        status.connections += source.statistics.connections;
    }
    status.receiveBytes = buffers_->usedBytes();
    status.receiveBudgetBytes = buffers_->budgetBytes();
    status.deltaBytes = parts_.store ? parts_.store->deltaBytes() : 0;
    status.deltaBudgetBytes = parts_.disk.deltaBudgetBytes;
    if (parts_.log) {
        status.logBytes = parts_.log->sizeBytes();
        status.logWrittenBytes = parts_.log->writtenBytes();
    }
    status.failedRecords = deadLetters_.count();
    if (parts_.checkpointer) {
        const auto checkpoints = parts_.checkpointer->status();
        status.checkpoints = checkpoints.made;
        status.checkpointBytes = checkpoints.bytes;
        status.checkpointsAnswered = checkpoints.answered;
        if (checkpoints.newest) status.checkpointBatch = checkpoints.newest->value;
        status.checkpointAge = clock_.monotonic() - checkpoints.newestAt;
    }
    status.spaceLow = spaceLow_;
    return status;
}

Result<> Engine::lookUpState(const std::string& state, std::string key, StateLookups::Done done) {
    if (!running())
        return core::fail(ErrorKind::kConflict, "the job does not run: its state cannot be asked");
    return lookups_.ask(*job_, state, std::move(key), std::move(done));
}

std::vector<std::uint16_t> Engine::boundPorts() const {
    return stage_ == Stage::kStarted ? inputs_.boundPorts() : std::vector<std::uint16_t>();
}

}  // namespace tidemill
