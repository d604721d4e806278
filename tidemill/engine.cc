#include "tidemill/engine.h"

#include <algorithm>
#include <cstring>

#include "core/failpoint.h"
#include "core/logging.h"
#include "core/memory_log.h"
#include "core/own_thread.h"
#include "tidemill/batch_failure.h"

namespace tidemill {

using core::BatchId;
using core::BatchRecord;
using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// A start that takes longer says how far it is, this often.
constexpr std::chrono::seconds kProgressEvery{2};

// Of what a batch record says of replayable sources; a frame of the log holds 64 MiB.
constexpr std::size_t kRangesBytesMax = 8 << 20;

std::size_t receiveBudget(const StreamingOptions& options) {
    const std::size_t twoBatches = 2 * options.maxBatchBytes;
    return options.receiveBudgetBytes == 0 ? twoBatches : options.receiveBudgetBytes;
}

core::Path deadLetterDirectory(const StreamingOptions& options) {
    if (options.deadLetterDirectory.empty() && !options.directory.empty())
        return options.directory / "dead_letters";
    return options.deadLetterDirectory;
}

core::OnError onError(ErrorPolicy policy) {
    switch (policy) {
        case ErrorPolicy::kStop: return core::OnError::kStop;
        case ErrorPolicy::kSkip: return core::OnError::kSkip;
        case ErrorPolicy::kDeadLetter: return core::OnError::kDeadLetter;
    }
    return core::OnError::kStop;
}

// What runs of a batch.
BatchRecord withoutLeftOut(const BatchRecord& record) {
    BatchRecord running = record;
    if (record.allLeftOut) {
        running.cuts.clear();
        running.ranges.clear();
    }
    return running;
}

void warnOfIgnored(const StreamingOptions& options) {
    if (options.skipRecords.empty() && options.quarantineBatch == 0 && options.skipBatch == 0)
        return;
    core::logInfo("no batch waits to be run again: nothing is skipped");
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Engine::Engine(const StreamingOptions& options, std::shared_ptr<Job> job,
               std::vector<std::shared_ptr<StreamingListener>> listeners)
    : options_(options),
      job_(std::move(job)),
      fingerprint_(job_->fingerprint()),
      steps_(job_->steps(options_.version)),
      clock_(options_.clock ? *options_.clock : systemClock_),
      listeners_(*job_, clock_, std::move(listeners)),
      deadLetters_(*job_->files, deadLetterDirectory(options_)),
      buffers_(core::BufferPool::make(receiveBudget(options_))) {
    disk_.deltaBudgetBytes = options_.deltaBudgetBytes;
}

Engine::~Engine() {
    (void)stop(false);
    if (stopper_.joinable()) stopper_.join();
}

Result<> Engine::start() {
    const std::lock_guard lock(lifeMutex_);
    if (stopped_) {
        stage_ = Stage::kNotStarted;
        return {};
    }
    const core::OwnThreadScope own;  // replayed outputs run here
    Result<> result;
    startResult_ = core::catchingAll([&] { result = run(); });
    if (startResult_) startResult_ = std::move(result);
    stage_ = startResult_ ? Stage::kStarted : Stage::kNotStarted;
    return startResult_;
}

Result<> Engine::run() {
    startBegun_ = clock_.monotonic();
    TM_TRY(job_->validate());
    TM_TRY(workers_.start(options_.workers));
    if (options_.errorPolicy == ErrorPolicy::kDeadLetter && deadLetterDirectory(options_).empty())
        return fail(ErrorKind::kInvalid,
                    "records that fail are to be written to files, but there is no data directory "
                    "and no deadLetterDirectory");
    TM_TRY(checkPlaces());
    TM_ASSIGN(const auto random, recovery::randomLogUuid());
    owner_ = toString(random);
    std::memcpy(&nonce_, random.bytes.data(), sizeof nonce_);
    TM_TRY(options_.directory.empty() ? openInMemory() : openDurable());
    listeners_.started();
    TM_TRY(startReceivers());
    scheduler_->start(position_);
    return {};
}

// Results of two outputs in one place would be taken for each other's.
Result<> Engine::checkPlaces() const {
    if (options_.errorPolicy != ErrorPolicy::kDeadLetter) return {};
    const auto deadLetters = core::absolutePlace(deadLetterDirectory(options_));
    for (const auto& output : job_->graph.outputs())
        if (output->place() == deadLetters)
            return fail(ErrorKind::kInvalid, "dead letters and an output are to go to one place: " +
                                                 deadLetters);
    return {};
}

Result<> Engine::prepareOutputs(const std::optional<BatchRecord>& last) {
    for (const auto& output : job_->graph.outputs())
        TM_TRY(last ? output->prepareResume(owner_, *last) : output->prepareNew());
    if (options_.errorPolicy != ErrorPolicy::kDeadLetter) return {};
    return last ? deadLetters_.files().prepareResume(owner_, last->id)
                : deadLetters_.files().prepareNew();
}

state::StateStoreOptions Engine::storeOptions(const core::Path& workDirectory) const {
    state::StateStoreOptions options;
    options.files = job_->files;
    options.workDirectory = workDirectory;
    options.compacts = !options_.oneOrder;
    options.blockCacheBytes = options_.stateCacheBytes;
    options.deltaBudgetBytes = disk_.deltaBudgetBytes;
    options.rowBytesMax = std::min(options_.maxStateRowBytes, state::StateLimits::kRowBytesMost);
    return options;
}

Result<> Engine::openInMemory() {
    core::logWarning("no data directory: nothing survives the end of this process");
    TM_ASSIGN(store_, state::StateStore::openInMemory(storeOptions({})));
    tellFirstStart(clock_.wall());
    TM_TRY(bindStates(std::nullopt));
    log_ = std::make_unique<core::MemoryLog>();
    TM_TRY(prepareOutputs(std::nullopt));
    scheduler_ = std::make_unique<core::Scheduler>(schedule(), clock_, *log_, job_->graph, workers_,
                                                   *this, &listeners_);
    return {};
}

// From the lock on the directory to the first batch behind what was recorded; docs/recovery.md
// tells the same step by step.
Result<> Engine::openDurable() {
    const core::ActivityScope activity(core::Activity::kRecovery);
    auto& files = *job_->files;
    TM_ASSIGN(directory_, recovery::DataDirectory::open(
                              files, options_.directory,
                              options_.files ? recovery::DataDirectory::Locking::kNone
                                             : recovery::DataDirectory::Locking::kLock));
    owner_ = toString(directory_->uuid());
    TM_TRY(checkJob());
    TM_ASSIGN(const auto space, files.space(options_.directory));
    disk_ = fitToDisk(options_, space);
    if (!disk_.shrunk.empty()) core::logWarning(disk_.shrunk);
    generations_ = std::make_unique<recovery::Generations>(files, directory_->generationsPath());

    attempts_ = std::make_unique<recovery::AttemptsFile>(files, directory_->path());
    if (const auto known = attempts_->read(); known && recovery::mayBeMended(*known))
        stoppedAt_ = known->batch;

    recovery::RecoverOptions recoverOptions;
    recoverOptions.fingerprint = fingerprint_;
    recoverOptions.steps = steps_;
    recoverOptions.stoppedAt = stoppedAt_;
    recoverOptions.segmentBytes = disk_.segmentBytes;
    recoverOptions.acceptMark = [this](const core::BatchMark& mark) -> Result<> {
        // Refused before anything is written; bindStates() takes what matches.
        TM_ASSIGN([[maybe_unused]] const auto matched,
                  matchOperators(mark.operators, job_->states, options_.dropMismatchedState));
        return {};
    };
    // New operators take their initial states in one batch, whose record says which: a replay takes
    // the same, or none.
    recoverOptions.beginFingerprint = [this](const std::optional<core::BatchMark>& mark) {
        const auto matched = matchOperators(
            mark ? mark->operators : std::vector<core::OperatorEntry>{}, job_->states, true);
        return matched ? job_->beginFingerprint(matched->isNew) : fingerprint_;
    };
    recoverOptions.readsAll = [&files](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(files, path);
    };
    recoverOptions.progress = [this, said = startBegun_](
                                  const recovery::RecoverProgress& step) mutable {
        if (clock_.monotonic() - said < kProgressEvery) return;
        said = clock_.monotonic();
        progress("recovering: read " + mebibytes(step.doneBytes) + " of " +
                 mebibytes(step.totalBytes) + " of the log");
    };
    auto found = recovery::recover(*directory_, recoverOptions);
    const auto kinds = job_->sourceKinds(), kindsBefore = directory_->sources();
    if (!found && found.error().kind == ErrorKind::kConflict && !kindsBefore.empty() &&
        kinds != kindsBefore)
        found.error().message += "\nthe sources were:\n" + kindsBefore + "and are now:\n" + kinds;
    TM_ASSIGN(auto recovered, std::move(found));
    if (kinds != kindsBefore) TM_TRY(directory_->setSources(kinds));
    readInFull_ = recovered.readInFull;
    auto resumed = sayIfHeals(resumeFrom(recovered));
    suspectIfCorrupt(resumed);
    if (!resumed || options_.name.empty()) return resumed;
    TM_ASSIGN(const auto known, directory_->job());
    return known == options_.name ? Result<>() : directory_->setJob(options_.name);
}

Result<> Engine::checkJob() const {
    TM_ASSIGN(const auto known, directory_->job());
    if (known.empty() || options_.name.empty() || known == options_.name || options_.adopt)
        return {};
    return fail(ErrorKind::kConflict,
                "the data directory belongs to the job \"" + core::escaped(known) +
                    "\", this one is \"" + core::escaped(options_.name) + "\": directory=" +
                    options_.directory.string() +
                    "; give each job a directory of its own, or, when the job has a new name, start "
                    "it once with --adopt (StreamingOptions::adopt)");
}

// The state as the checkpoint left it, the log behind it, and the batches recorded since.
Result<> Engine::resumeFrom(recovery::Recovered& recovered) {
    std::optional<BatchRecord> last;
    if (recovered.lastBatch.value != 0) {
        last.emplace();
        last->id = recovered.lastBatch;
        last->time = recovered.lastTime;
    }
    TM_TRY(prepareOutputs(last));
    for (const auto& block : recovered.log.pending)
        if (auto fits = checkSource(*job_, block->origin().source, true); !fits)
            return fail(fits.error().kind,
                        "what waits in the log for the next batch does not fit this job: LSN " +
                            core::toString(block->lsn()) + ": " + fits.error().message +
                            "; start the job that received it, stop it gracefully, then start "
                            "this one");

    TM_ASSIGN(store_, state::StateStore::open(storeOptions(recovered.work)));
    TM_ASSIGN(const auto stored, store_->mark());
    if (stored != recovered.mark)
        return fail(ErrorKind::kCorrupt,
                    "the state's mark differs from its manifest's: directory=" +
                        options_.directory.string());
    // A directory that has run no batch may have been started before.
    BatchTime firstStart = clock_.wall();
    if (recovered.lastBatch.value == 0) {
        TM_ASSIGN(firstStart, directory_->firstStart(firstStart));
    }
    tellFirstStart(firstStart);
    TM_TRY(bindStates(recovered.mark));

    TM_ASSIGN(auto sessions, sessions_->load());
    for (const auto& [name, lines] : recovered.sessions)
        sessions[name] = std::max(sessions[name], lines);
    recovery::LogWriterOptions logOptions;
    logOptions.segmentBytes = disk_.segmentBytes;
    logOptions.prepareAhead = !options_.oneOrder;
    logOptions.reserveBytes = disk_.reserveBytes;
    logOptions.reserveFiles = disk_.reserveFiles;
    logOptions.stillOurs = [this] { return stillOurs(); };
    TM_ASSIGN(auto writer, recovery::LogWriter::open(directory_->files(), std::move(recovered.log),
                                                     std::move(sessions), logOptions));
    logWriter_ = writer.get();
    log_ = std::move(writer);

    scheduler_ = std::make_unique<core::Scheduler>(schedule(), clock_, *log_, job_->graph, workers_,
                                                   *this, &listeners_);
    checkpointer_ = std::make_unique<Checkpointer>(
        CheckpointTriggers{disk_.checkpointBytes, options_.checkpointInterval,
                           !options_.oneOrder},
        clock_, *store_,
        *generations_, *log_, [this] { return stillOurs(); },
        [this](core::Error error) { scheduler_->fail(std::move(error)); });
    if (recovered.mark) checkpointer_->resume(recovered.mark->batch);
    if (recovered.lastBatch.value != 0) {
        position_.batch = recovered.lastBatch;
        position_.time = recovered.lastTime;
        position_.zeroTime = recovered.zeroTime;
        position_.endLsn = recovered.endLsn;
    }
    return replay(recovered);
}

// Checkpoints share files, so bad bytes may be in any of them: the next start reads a checkpoint in
// full before it uses it, and falls back to an older one.
void Engine::suspectIfCorrupt(const Result<>& result) const {
    if (result || !result.error().heals) return;
    const auto names = generations_->list();
    for (const auto& name : names.value_or(std::vector<recovery::GenerationName>()))
        if (const auto marked = generations_->markSuspect(name); !marked)
            core::logError("checkpoint " + recovery::toString(name) +
                           " could not be marked as suspect: " + marked.error().message);
}

// When the checkpoint was read in full at this start, another start would find the same.
Result<> Engine::sayIfHeals(Result<> result) const {
    if (result || result.error().kind != ErrorKind::kCorrupt || result.error().heals ||
        !generations_ || readInFull_)
        return result;
    core::Error error = std::move(result.error());
    error.message += "; start again: the checkpoints are suspect from now on, and the next start takes "
                     "one that it has read in full";
    error.heals = true;
    return fail(std::move(error));
}

Result<> Engine::bindStates(const std::optional<core::BatchMark>& mark) {
    TM_ASSIGN(operators_, matchOperators(mark ? mark->operators : std::vector<core::OperatorEntry>{},
                                         job_->states, options_.dropMismatchedState));
    for (const auto id : operators_.dropped) store_->dropOperator(id);
    beginFingerprint_ = job_->beginFingerprint(operators_.isNew);
    for (std::size_t i = 0; i < job_->states.size(); ++i) {
        const auto& state = job_->states[i];
        store_->setName(operators_.ids[i], state.name);
        state.bind(*store_, operators_.ids[i],
                   {state.name, operators_.isNew[i], beginFingerprint_});
    }
    sessions_ = std::make_unique<SessionPositions>(*store_);
    sourcePositions_ = std::make_unique<SourcePositions>(*store_, job_->sources);
    return sourcePositions_->restore();
}

Result<> Engine::replay(recovery::Recovered& recovered) {
    auto said = startBegun_;
    for (std::size_t i = 0; i < recovered.batches.size(); ++i) {
        BatchRecord& record = recovered.batches[i];
        const bool last = i + 1 == recovered.batches.size();
        TM_ASSIGN(auto blocks, recovered.blocksOf(i));
        TM_TRY(checkSources(*job_, record, blocks));
        for (const auto& range : record.ranges)
            if (auto& source = job_->sources[range.source.value].replayable)
                TM_TRY(source->resume(range.bytes));
        std::size_t bytes = 0;
        for (const auto& block : blocks) bytes += block->bytes().size();
        if (bytes > options_.maxBatchBytes)
            core::logInfo("batch " + core::toString(record.id) + " was recorded with " +
                          std::to_string(bytes) + " bytes, more than max_batch_bytes=" +
                          std::to_string(options_.maxBatchBytes) + " now; it is replayed whole");
        completeBefore_ = !last;
        TM_TRY(last ? replayLast(record, std::move(blocks))
                    : scheduler_->replay(withoutLeftOut(record), std::move(blocks), false));
        if (clock_.monotonic() - said >= kProgressEvery) {
            said = clock_.monotonic();
            progress("recovering: replayed batch " + core::toString(record.id) + " of " +
                     core::toString(recovered.lastBatch));
        }
    }
    completeBefore_ = false;
    if (recovered.batches.empty()) warnOfIgnored(options_);
    if (recovered.lastBatch.value == 0) return {};
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.monotonic() -
                                                                            startBegun_);
    core::logInfo("resumed behind batch " + core::toString(recovered.lastBatch) + ": " +
                  (recovered.mark ? "state of the checkpoint at batch " +
                                        core::toString(recovered.mark->batch)
                                  : std::string("no checkpoint was there")) +
                  ", " + std::to_string(recovered.batches.size()) +
                  (recovered.batches.size() == 1 ? " batch replayed, " : " batches replayed, ") +
                  std::to_string(took.count()) + " ms in all");
    return {};
}

// The last one may have ended the process: then it may be run in another way, which is recorded
// before it is.
Result<> Engine::replayLast(BatchRecord& record, std::vector<core::BlockPtr> blocks) {
    TM_ASSIGN(const bool changed, changeLast(record, blocks));
    if (changed) {
        ++record.revision;
        TM_ASSIGN(const auto lsn, log_->appendRecord(record));
        TM_TRY(log_->waitDurable(lsn));
        core::logWarning("batch " + core::toString(record.id) +
                         " ended the job and is run in another way now: what outputs have shown of "
                         "it is shown anew");
    }
    // So that a mended job need not run what was shown before: it may run this batch alone.
    if (stoppedAt_ == record.id && lastComplete_)
        TM_TRY(checkpointer_->checkpointNow(markOf(*lastComplete_)));
    TM_ASSIGN(const auto known, attempts_->begin(record.id));
    if (known.ended >= recovery::kAttemptsSuspicious)
        core::logWarning("batch " + core::toString(record.id) + " has ended the process " +
                         std::to_string(known.ended) + " times" +
                         (known.error.empty() ? "" : ", at last with: " + known.error) +
                         ". It holds " + describeContent(*job_, record, blocks) +
                         ". It is run once more." +
                         (known.error.empty() ? waysOn(record.id, std::nullopt) : ""));
    TM_TRY(scheduler_->replay(withoutLeftOut(record), std::move(blocks), true));
    return attempts_->clear();
}

// True when the record was changed.
Result<bool> Engine::changeLast(BatchRecord& record, std::span<const core::BlockPtr> blocks) const {
    const BatchRecord before = record;
    if (stoppedAt_ == record.id) {
        record.steps = steps_;
        record.onError = onError(options_.errorPolicy);
    }
    if (options_.quarantineBatch == record.id.value) record.onError = core::OnError::kDeadLetter;
    if (options_.skipBatch == record.id.value) record.allLeftOut = true;
    for (const auto& skip : options_.skipRecords) {
        const core::RecordPlace place{core::Lsn(skip.lsn), skip.line};
        const auto block = std::find_if(blocks.begin(), blocks.end(), [&](const auto& candidate) {
            return candidate->lsn() == place.lsn;
        });
        if (block != blocks.end() && skip.line >= 1 && skip.line <= (*block)->origin().lines) {
            auto& all = record.leftOut;
            if (!std::binary_search(all.begin(), all.end(), place))
                all.insert(std::upper_bound(all.begin(), all.end(), place), place);
        } else if (block == blocks.end() && place.lsn <= record.endLsn) {
            core::logInfo("record " + std::to_string(skip.lsn) + ":" + std::to_string(skip.line) +
                          " is of a batch that has come to its end: it is not skipped");
        } else {
            return fail(ErrorKind::kConflict, "there is no record " + std::to_string(skip.lsn) +
                                                  ":" + std::to_string(skip.line) +
                                                  " to be skipped in batch " +
                                                  core::toString(record.id) + ", which holds " +
                                                  describeContent(*job_, record, blocks));
        }
    }
    return record != before;
}

// How an operator goes on without what ended the batch.
std::string Engine::waysOn(BatchId batch, const std::optional<core::RecordPlace>& place) const {
    const auto id = core::toString(batch);
    if (options_.directory.empty()) return {};
    std::string text = " Nothing is lost: mend the job and start it again. Or start it once with ";
    if (place)
        text += "--skip-record " + core::toString(place->lsn) + ":" + std::to_string(place->line) +
                " (skipRecords), which goes on without this record, with ";
    return text + "--quarantine " + id +
           " (quarantineBatch), without the records of this batch for which a function throws, or "
           "with --skip-batch " +
           id +
           " (skipBatch), without all of it; what is left out becomes "
           "dead letters.";
}

core::Error Engine::batchFailed(core::BatchRun& run, core::Error error) {
    if (error.kind != ErrorKind::kUserCode) return error;
    const auto& record = run.record();
    const auto call = run.failedRecords()->stopped();
    std::optional<core::RecordPlace> place;
    if (call) place = locate(*job_, run, *call);
    std::string text = "batch " + core::toString(record.id) + " failed: " + error.message;
    if (place)
        text += "; it is " + describeRecord(*job_, run.blocks(), *place);
    else if (call && !call->record.record.empty())
        text += "; the record: \"" + core::escaped(call->record.record, 80) + "\", of " +
                describeContent(*job_, record, run.blocks());
    text += ".";
    if (completeBefore_) {
        text +=
            " The batch had come to its end before: functions of the program have changed. Run "
            "the program that recorded it, stop it gracefully, then start this one.";
        return {error.kind, std::move(text)};
    }
    if (attempts_) {
        const auto known = attempts_->failed(record.id, text);
        if (!known)
            core::logError("the failure of batch " + core::toString(record.id) +
                           " could not be noted: " + known.error().message);
        else if (known->ended >= recovery::kAttemptsSuspicious)
            text += " The batch has ended the process " + std::to_string(known->ended) +
                    " times; it holds " + describeContent(*job_, record, run.blocks()) + ".";
    }
    return {error.kind, text + waysOn(record.id, place)};
}

core::SchedulerOptions Engine::schedule() const {
    core::SchedulerOptions schedule;
    schedule.interval = options_.interval;
    for (const auto& node : job_->graph.nodes())
        schedule.slides = schedule.slides || node->slide() != Duration(0);
    schedule.maxBatchBytes = options_.maxBatchBytes;
    schedule.fingerprint = fingerprint_;
    schedule.steps = steps_;
    schedule.onError = onError(options_.errorPolicy);
    schedule.deadLettersMax = options_.maxDeadLetters;
    schedule.owner = owner_;
    schedule.nonce = nonce_;
    schedule.beginFingerprint = beginFingerprint_;
    return schedule;
}

Result<> Engine::startReceivers() {
    sources::NetworkOptions networkOptions;
    networkOptions.recordBytesMax = options_.maxRecordBytes;
    networkOptions.blockBytesMax = options_.blockBytes;
    networkOptions.sessionsMax = options_.maxSessions;
    TM_ASSIGN(network_, sources::NetworkService::make(*log_, buffers_, networkOptions));
    log_->onDurable([this](const Result<core::Lsn>& durable) {
        if (!durable) scheduler_->fail(durable.error());
    });
    if (logWriter_) logWriter_->onSpaceLow([this](bool low) { spaceIsLow(low); });
    for (std::uint32_t i = 0; i < job_->sources.size(); ++i) {
        const auto& source = job_->sources[i];
        if (!source.receive) continue;
        const std::string label = source.label.empty()
                                      ? "source " + std::to_string(i) + " (" + source.kind + ")"
                                      : source.label;
        TM_ASSIGN(auto receiver,
                  source.receive({core::SourceId(i), *log_, *network_, &listeners_, label}));
        TM_TRY(receiver->start());
        receivers_.push_back(std::move(receiver));
    }
    return {};
}

void Engine::spaceIsLow(bool low) {
    spaceLow_ = low;
    if (low) {
        const auto space = job_->files->space(options_.directory);
        core::logWarning("the disk is nearly full: sockets are not read until there is room again; " +
                         (space ? describeSpace(disk_, *space) + "; " : std::string()) +
                         "directory=" + options_.directory.string());
        checkpointer_->hurry();
        network_->pause();
    } else {
        core::logInfo("the disk has room again: reading sockets");
        network_->resume();
    }
}

void Engine::progress(const std::string& line) const {
    if (options_.onProgress)
        options_.onProgress(line);
    else
        core::logInfo(line);
}

void Engine::sealInputs(BatchTime time) {
    for (const auto& source : job_->sources)
        if (source.poll) source.poll(time);
    network_->sealOpenBlocks();
}

// The directory that we hold: its path may lead to another one by now.
Result<> Engine::stillOurs() const { return directory_ ? directory_->stillHeld() : Result<>(); }

Result<std::size_t> Engine::prepareRanges(core::Instant now, std::size_t bytesMax) {
    std::size_t prepared = 0;
    for (const auto& source : job_->sources) {
        if (!source.replayable) continue;
        TM_ASSIGN(const auto bytes, source.replayable->prepare(now, bytesMax));
        prepared += bytes;
    }
    return prepared;
}

Result<std::vector<core::SourceRange>> Engine::planRanges(std::size_t bytesMax) {
    TM_TRY(stillOurs());
    core::ReplayableSource::Limits limits;
    limits.bytes = bytesMax;
    limits.rangeBytes = kRangesBytesMax / std::max<std::size_t>(job_->sources.size(), 1);
    limits.workers = workers_.count();
    std::vector<core::SourceRange> ranges;
    for (std::uint32_t i = 0; i < job_->sources.size(); ++i) {
        const auto& source = job_->sources[i].replayable;
        if (!source) continue;
        TM_ASSIGN(auto plan, source->plan(limits));
        limits.bytes -= std::min(limits.bytes, plan.sizeBytes);
        if (!plan.range.empty()) ranges.push_back({core::SourceId(i), std::move(plan.range)});
    }
    return ranges;
}

void Engine::tellFirstStart(BatchTime time) {
    for (const auto& source : job_->sources)
        if (source.replayable) source.replayable->firstStartedAt(time);
}

core::Framing Engine::framing(core::SourceId source) const {
    return job_->sources.at(source.value).framing;
}

Result<> Engine::afterRun(const core::BatchRun& run, bool withOutputs) {
    // What a replayed batch without outputs leaves out was told before it was complete.
    if (withOutputs) TM_TRY(deadLetters_.tell(run, job_->sources));
    TM_TRY(sessions_->advance(run));
    return sourcePositions_->keep();
}

Result<> Engine::atBoundary(const BatchRecord& record) {
    lastComplete_ = record;
    if (!checkpointer_) return {};
    return checkpointer_->atBoundary([&] { return markOf(record); });
}

core::BatchMark Engine::markOf(const BatchRecord& record) const {
    core::BatchMark mark;
    mark.batch = record.id;
    mark.time = record.time;
    mark.zeroTime = record.zeroTime;
    mark.endLsn = record.endLsn;
    mark.fingerprint = fingerprint_;
    mark.operators = operators_.entries;
    return mark;
}

Result<> Engine::wait() {
    {
        const std::lock_guard starting(lifeMutex_);
        if (stage_ == Stage::kNotStarted) return startResult_;
    }
    auto outcome = sayIfHeals(scheduler_->wait());
    // What follows the last batch of a stop, its checkpoint for one, may still fail.
    const std::lock_guard stopping(lifeMutex_);
    return stopped_ ? stopResult_ : explained(std::move(outcome));
}

std::optional<Result<>> Engine::waitFor(std::chrono::nanoseconds timeout) {
    const auto until = std::chrono::steady_clock::now() + timeout;
    {
        const std::unique_lock starting(lifeMutex_, until);
        if (stage_ == Stage::kNotStarted) return startResult_;
        if (stage_ == Stage::kStarting) return std::nullopt;
    }
    auto outcome = scheduler_->waitFor(until - std::chrono::steady_clock::now());
    if (!outcome) return std::nullopt;
    const std::unique_lock stopping(lifeMutex_, until);
    if (!stopping) return std::nullopt;
    return stopped_ ? stopResult_ : explained(sayIfHeals(std::move(*outcome)));
}

// Whatever failed first in a directory that went, that it went is what to say.
Result<> Engine::explained(Result<> outcome) const {
    if (outcome) return outcome;
    auto ours = stillOurs();
    return ours ? outcome : ours;
}

bool Engine::running() const {
    return stage_ == Stage::kStarted && !scheduler_->waitFor({}).has_value();
}

Result<bool> Engine::waitForBatch(BatchId id, std::chrono::nanoseconds timeout) {
    if (!scheduler_) return false;
    return scheduler_->waitForBatch(id, timeout);
}

// Receivers first, so that what they still hand over is in the log; then the batches; then the
// checkpoint at the last boundary; then the log.
Result<> Engine::stop(bool graceful) {
    const std::lock_guard lock(lifeMutex_);
    const core::OwnThreadScope own;  // some listeners run here
    if (std::exchange(stopped_, true)) return stopResult_;
    const bool started = stage_ == Stage::kStarted;
    // A start that failed may have left a batch half done.
    graceful = graceful && started;
    for (const auto& receiver : receivers_) receiver->stop(graceful);
    if (scheduler_) {
        if (graceful) scheduler_->finish();
        else scheduler_->abandon();
        stopResult_ = started ? scheduler_->wait() : Result<>{};
    }
    if (graceful && stopResult_) stopResult_ = finalCheckpoint();
    stopResult_ = sayIfHeals(std::move(stopResult_));
    suspectIfCorrupt(stopResult_);
    if (checkpointer_) checkpointer_->stop();
    if (logWriter_) {
        auto closed = logWriter_->close();
        if (stopResult_) stopResult_ = std::move(closed);
    }
    stopResult_ = explained(std::move(stopResult_));
    return stopResult_;
}

void Engine::stopSoon(bool graceful) {
    const std::lock_guard lock(stopperMutex_);
    if (!stopper_.joinable()) stopper_ = std::thread([this, graceful] { (void)stop(graceful); });
}

Result<> Engine::finalCheckpoint() {
    TM_TRY(core::reachFailpoint("shutdown.mid"));
    if (!checkpointer_ || !lastComplete_) return {};
    return checkpointer_->checkpointNow(markOf(*lastComplete_));
}

EngineStatus Engine::status() const {
    EngineStatus status;
    if (stage_ != Stage::kStarted) return status;
    if (scheduler_) status.batches = scheduler_->progress();
    for (const auto& receiver : receivers_) {
        const auto statistics = receiver->statistics();
        status.receivedBytes += statistics.bytes;
        status.receivedRecords += statistics.records;
        status.oversizeRecords += statistics.oversize;
        status.connections += statistics.connections;
    }
    for (const auto& source : job_->sources)
        if (source.replayable) status.oversizeRecords += source.replayable->oversizeRecords();
    status.receiveBytes = buffers_->usedBytes();
    status.receiveBudgetBytes = buffers_->budgetBytes();
    status.deltaBytes = store_ ? store_->deltaBytes() : 0;
    status.deltaBudgetBytes = disk_.deltaBudgetBytes;
    if (log_) {
        status.logBytes = log_->sizeBytes();
        status.logWrittenBytes = log_->writtenBytes();
    }
    status.failedRecords = deadLetters_.count();
    if (checkpointer_) {
        const auto checkpoints = checkpointer_->status();
        status.checkpoints = checkpoints.made;
        status.checkpointBytes = checkpoints.bytes;
        if (checkpoints.newest) status.checkpointBatch = checkpoints.newest->value;
        status.checkpointAge = clock_.monotonic() - checkpoints.newestAt;
    }
    status.spaceLow = spaceLow_;
    return status;
}

std::vector<std::uint16_t> Engine::boundPorts() const {
    std::vector<std::uint16_t> ports;
    if (stage_ != Stage::kStarted) return ports;
    for (const auto& receiver : receivers_)
        if (const auto* listening = dynamic_cast<const sources::ListeningReceiver*>(receiver.get()))
            ports.push_back(listening->port());
    return ports;
}

}  // namespace tidemill
