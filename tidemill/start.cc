#include "tidemill/start.h"

#include <algorithm>
#include <cstring>

#include "core/failpoint.h"
#include "core/logging.h"
#include "core/memory_log.h"
#include "tidemill/lineage.h"
#include "tidemill/recorded_batch.h"
#include "tidemill/replay.h"
#include "tidemill/replay_options.h"

namespace tidemill {

using core::BatchRecord;
using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// A batch that runs gives its memory back within about that time when its job keeps up. To read
// again from the log what it would have made room for costs a tenth of the rate.
constexpr std::chrono::milliseconds kReleaseDelay{1000};

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

// Of the source's line in Job::sourceKinds().
std::string_view elementsOf(std::string_view kinds, core::SourceId source) {
    for (std::uint32_t i = 0; i < source.value && !kinds.empty(); ++i)
        kinds.remove_prefix(std::min(kinds.size(), kinds.find('\n') + 1));
    const auto line = kinds.substr(0, kinds.find('\n'));
    const auto of = line.find(" of ");
    return of == line.npos ? "lines" : line.substr(of + 4);
}

}  // namespace

Start::Start(const BatchSurroundings& with, RunningJob& into)
    : with_(with),
      options_(with.options),
      job_(with.job),
      parts_(into),
      progress_(with.options, with.clock),
      steps_(with.job.steps(with.options.version)) {
    parts_.fingerprint = job_.fingerprint();
    parts_.disk.deltaBudgetBytes = options_.deltaBudgetBytes;
}

Result<> Start::run() {
    TM_TRY(checkPlaces());
    if (!options_.directory.empty()) TM_TRY(distinguish(job_));
    TM_ASSIGN(const auto random, recovery::randomLogUuid());
    parts_.owner = toString(random);
    std::memcpy(&parts_.nonce, random.bytes.data(), sizeof parts_.nonce);
    return options_.directory.empty() ? inMemory() : durable();
}

// Results of two outputs in one place would be taken for each other's.
Result<> Start::checkPlaces() const {
    if (options_.errorPolicy != ErrorPolicy::kDeadLetter) return {};
    const auto directory = deadLetterDirectory(options_);
    if (directory.empty())
        return fail(ErrorKind::kInvalid,
                    "records that fail are to be written to files, but there is no data directory "
                    "and no deadLetterDirectory");
    const auto deadLetters = core::absolutePlace(directory);
    for (const auto& output : job_.graph.outputs())
        if (output->place() == deadLetters)
            return fail(ErrorKind::kInvalid,
                        "dead letters and an output are to go to one place: " + deadLetters);
    return {};
}

Result<> Start::inMemory() {
    core::logWarning("no data directory: nothing survives the end of this process");
    (void)fitJob(std::nullopt);
    TM_ASSIGN(parts_.store, state::StateStore::openInMemory(storeOptions({})));
    TM_TRY(bindStates(with_.clock.wall()));
    parts_.log = std::make_unique<core::MemoryLog>();
    TM_TRY(openOutputs());
    makeScheduler();
    return {};
}

Result<> Start::durable() {
    const core::ActivityScope activity(core::Activity::kRecovery);
    TM_TRY(openDirectory());
    TM_ASSIGN(auto recovered, recover());
    TM_TRY(checkPending(recovered));
    TM_TRY(keepSourceKinds());
    auto resumed = parts_.sayIfHeals(resume(recovered));
    parts_.suspectIfCorrupt(resumed);
    return resumed ? keepJobName() : resumed;
}

Result<> Start::openDirectory() {
    auto& files = *job_.files;
    TM_ASSIGN(parts_.directory, recovery::DataDirectory::open(
                                    files, options_.directory,
                                    options_.files ? recovery::DataDirectory::Locking::kNone
                                                   : recovery::DataDirectory::Locking::kLock));
    auto& directory = *parts_.directory;
    TM_TRY(with_.inputs.keepIn(directory.path(), [&parts = parts_] { return parts.stillOurs(); }));
    parts_.owner = toString(directory.identity());
    parts_.outputsOff = directory.outputsOff();
    TM_TRY(checkJobName());
    sourceKinds_ = directory.sources();
    TM_ASSIGN(const auto space, files.space(options_.directory));
    parts_.disk = fitToDisk(options_, space);
    if (!parts_.disk.shrunk.empty()) core::logWarning(parts_.disk.shrunk);
    parts_.generations =
        std::make_unique<recovery::Generations>(files, directory.generationsPath());
    parts_.attempts = std::make_unique<recovery::AttemptsFile>(files, directory.path());
    parts_.atWork = std::make_unique<recovery::AtWorkFile>(files, directory.path());
    if (const auto& known = parts_.attempts->known(); known && recovery::mayBeMended(*known))
        stoppedAt_ = known->batch;
    return {};
}

Result<> Start::checkJobName() {
    TM_ASSIGN(jobName_, parts_.directory->job());
    if (jobName_.empty() || options_.name.empty() || jobName_ == options_.name || options_.adopt)
        return {};
    return fail(
        ErrorKind::kConflict,
        "the data directory belongs to the job \"" + core::escaped(jobName_) +
            "\", this one is \"" + core::escaped(options_.name) +
            "\": directory=" + options_.directory.string() +
            "; give each job a directory of its own, or, when the job has a new name, start "
            "it once with --adopt (StreamingOptions::adopt)");
}

Result<> Start::keepJobName() {
    if (options_.name.empty() || jobName_ == options_.name) return {};
    return parts_.directory->setJob(options_.name);
}

Result<recovery::Recovered> Start::recover() {
    auto& files = *job_.files;
    recovery::RecoverOptions options;
    options.fingerprint = parts_.fingerprint;
    options.steps = steps_;
    options.ofAnyJob = options_.replay && options_.replay->otherJob;
    options.stoppedAt = stoppedAt_;
    options.segmentBytes = parts_.disk.segmentBytes;
    options.blockBytesInMemory = options_.maxBatchBytes;
    options.fitJob = [this](const auto& mark) { return fitJob(mark); };
    options.readsAll = [&files](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(files, path);
    };
    options.progress = [this](const recovery::RecoverProgress& step) {
        progress_.at([&] {
            return "recovering: read " + mebibytes(step.doneBytes) + " of " +
                   mebibytes(step.totalBytes) + " of the log";
        });
    };
    auto recovered = recovery::recover(*parts_.directory, options);
    if (recovered) {
        parts_.checkpointReadInFull = recovered->readInFull;
    } else if (const auto kinds = job_.sourceKinds();
               recovered.error().kind == ErrorKind::kConflict && !sourceKinds_.empty() &&
               kinds != sourceKinds_) {
        recovered.error().message +=
            "\nthe sources were:\n" + sourceKinds_ + "and are now:\n" + kinds;
    }
    return recovered;
}

// New operators take their initial states in one batch, whose record says which: a replay takes the
// same, or none.
recovery::JobFit Start::fitJob(const std::optional<core::BatchMark>& mark) {
    parts_.operators = matchOperators(mark ? mark->operators : std::vector<core::OperatorEntry>{},
                                      job_, options_.dropMismatchedState);
    beginFingerprint_ = job_.beginFingerprint(parts_.operators.isNew);
    return {beginFingerprint_, parts_.operators.fits};
}

Result<> Start::keepSourceKinds() {
    const auto kinds = job_.sourceKinds();
    return kinds == sourceKinds_ ? Result<>() : parts_.directory->setSources(kinds);
}

// The state as the checkpoint left it, the log behind it, and the batches recorded since.
Result<> Start::resume(recovery::Recovered& recovered) {
    parts_.recorded = recovered.last;
    TM_TRY(openOutputs());
    TM_TRY(openState(recovered));
    TM_TRY(openLog(recovered));
    makeScheduler();
    makeCheckpointer(recovered);
    return Replay(with_, parts_, progress_, steps_, stoppedAt_).run(recovered);
}

Result<> Start::openOutputs() {
    if (options_.replayOnly) return {};
    const core::OutputOpening opening{parts_.owner, parts_.recorded};
    if (parts_.outputsOff) {
        core::logWarning("outputs are OFF: the data directory is a fork of " +
                         toString(parts_.directory->format().fork->of) +
                         "; its batches change its state, and no output is opened or shown "
                         "anything. A fork made with --with-outputs shows its batches");
        with_.deadLetters.moveTo(parts_.directory->path() / "dead_letters");
    } else {
        for (const auto& output : job_.graph.outputs()) {
            TM_TRY(output->open(opening));
            parts_.outputs.push_back(output.get());
        }
    }
    if (options_.errorPolicy != ErrorPolicy::kDeadLetter) return {};
    return with_.deadLetters.files().open(opening);
}

Result<> Start::checkPending(const recovery::Recovered& recovered) const {
    const auto kinds = job_.sourceKinds();
    const auto check = [&](core::SourceId source) -> Result<> {
        TM_TRY(checkSource(job_, source, true));
        const auto was = elementsOf(sourceKinds_, source), now = elementsOf(kinds, source);
        if (sourceKinds_.empty() || was == now) return {};
        return fail(ErrorKind::kConflict, job_.sources[source.value].description + " gave " +
                                              std::string(was) + ", and now gives " +
                                              std::string(now));
    };
    for (const auto& block : recovered.log.pending)
        if (auto fits = check(block->origin().source); !fits)
            return fail(fits.error().kind,
                        "what waits in the log for the next batch does not fit this job: LSN " +
                            core::toString(block->lsn()) + ": " + fits.error().message +
                            "; start the job that received it, stop it gracefully, then start "
                            "this one");
    return {};
}

state::StateStoreOptions Start::storeOptions(const core::Path& workDirectory) const {
    state::StateStoreOptions options;
    options.files = job_.files;
    options.workDirectory = workDirectory;
    options.compacts = !options_.oneOrder;
    options.blockCacheBytes = options_.stateCacheBytes;
    options.deltaBudgetBytes = parts_.disk.deltaBudgetBytes;
    options.rowBytesMax = std::min(options_.maxStateRowBytes, state::StateLimits::kRowBytesMost);
    return options;
}

Result<> Start::openState(const recovery::Recovered& recovered) {
    TM_ASSIGN(parts_.store, state::StateStore::open(storeOptions(recovered.work)));
    TM_ASSIGN(const auto stored, parts_.store->mark());
    if (stored != recovered.mark)
        return fail(ErrorKind::kCorrupt,
                    "the state's mark differs from its manifest's: directory=" +
                        options_.directory.string());
    // A directory that has run no batch may have been started before.
    BatchTime firstStart = with_.clock.wall();
    if (recovered.last.beforeFirst()) {
        TM_ASSIGN(firstStart, parts_.directory->firstStart(firstStart));
    }
    return bindStates(firstStart);
}

Result<> Start::bindStates(BatchTime firstStart) {
    auto& store = *parts_.store;
    const auto& operators = parts_.operators;
    for (const auto id : operators.dropped) store.dropOperator(id);
    for (std::size_t i = 0; i < job_.states.size(); ++i) {
        const auto& state = job_.states[i];
        store.setName(operators.ids[i], state.name);
        state.bind(store, operators.ids[i], {state.name, operators.isNew[i], beginFingerprint_});
    }
    parts_.lanes = std::make_unique<LanePositionsTable>(store);
    parts_.sourcePositions = std::make_unique<SourcePositions>(store, job_.sources);
    TM_ASSIGN(const auto positions, parts_.sourcePositions->load());
    return with_.inputs.open(firstStart, positions);
}

Result<> Start::openLog(recovery::Recovered& recovered) {
    TM_ASSIGN(auto lanes, parts_.lanes->load());
    for (auto& [lane, position] : recovered.lanes) lanes[lane] = std::move(position);
    std::erase_if(lanes, [](const auto& lane) { return lane.second.empty(); });
    with_.inputs.setLanes(lanes);
    recovery::LogWriterOptions options;
    options.segmentBytes = parts_.disk.segmentBytes;
    options.prepareAhead = !options_.oneOrder;
    options.backlog.bytesMax = parts_.disk.backlogBytes;
    options.backlog.blocksMax = parts_.disk.backlogBlocks;
    if (!options_.oneOrder) options.backlog.releaseDelay = kReleaseDelay;
    options.reserveBytes = parts_.disk.reserveBytes;
    options.reserveFiles = parts_.disk.reserveFiles;
    options.stillOurs = [&parts = parts_] { return parts.stillOurs(); };
    TM_ASSIGN(auto writer, recovery::LogWriter::open(*job_.files, std::move(recovered.log),
                                                     std::move(lanes), options));
    parts_.logWriter = writer.get();
    parts_.log = std::move(writer);
    return {};
}

void Start::makeScheduler() {
    core::SchedulerOptions schedule;
    schedule.interval = options_.interval;
    for (const auto& node : job_.graph.nodes())
        schedule.slides = schedule.slides || node->slide() != Duration(0);
    schedule.maxBatchBytes = options_.maxBatchBytes;
    schedule.fingerprint = parts_.fingerprint;
    schedule.steps = steps_;
    schedule.onError = onError(options_.errorPolicy);
    schedule.deadLettersMax = options_.maxDeadLetters;
    schedule.owner = parts_.owner;
    schedule.shows = !parts_.outputsOff || options_.replayOnly;
    schedule.nonce = parts_.nonce;
    schedule.beginFingerprint = beginFingerprint_;
    parts_.scheduler =
        std::make_unique<core::Scheduler>(std::move(schedule), with_.clock, *parts_.log, job_.graph,
                                          with_.workers, with_.hooks, &with_.observer);
}

void Start::makeCheckpointer(const recovery::Recovered& recovered) {
    parts_.checkpointer = std::make_unique<Checkpointer>(
        CheckpointTriggers{parts_.disk.checkpointBytes, options_.checkpointInterval,
                           !options_.oneOrder},
        with_.clock, *parts_.store, *parts_.generations, *parts_.log,
        [&parts = parts_] { return parts.stillOurs(); },
        [&scheduler = *parts_.scheduler](core::Error error) { scheduler.fail(std::move(error)); });
    if (recovered.mark) parts_.checkpointer->resume(recovered.mark->batch);
}
}  // namespace tidemill
