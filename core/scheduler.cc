#include "core/scheduler.h"

#include <pthread.h>

#include "core/failpoint.h"
#include "core/logging.h"
#include "core/mutant.h"
#include "core/own_thread.h"
#include "core/partition_cut.h"

namespace tidemill::core {
namespace {

constexpr std::chrono::seconds kLongestSleep{1};
constexpr std::size_t kPartOfFiles = 4;  // a quarter

}  // namespace

Scheduler::Scheduler(SchedulerOptions options, Clock& clock, BlockLog& log, Graph& graph,
                     Workers& workers, BatchHooks& hooks, BatchObserver* observer)
    : options_(options),
      clock_(clock),
      log_(log),
      graph_(graph),
      workers_(workers),
      hooks_(hooks),
      observer_(observer),
      nextFingerprint_(options.beginFingerprint != 0 ? options.beginFingerprint
                                                     : options.fingerprint),
      batchSize_(options.maxBatchBytes, graph.holdsRecords() || !log.storesBlocks()) {}

Scheduler::~Scheduler() { abandon(); }

Result<> Scheduler::replay(const BatchRecord& record, std::vector<BlockPtr> blocks,
                           const Replay& how) {
    if (observer_ != nullptr) observer_->batchSubmitted(record, blocks, clock_.monotonic());
    nextFingerprint_ = options_.fingerprint;
    TM_TRY(run(record, std::move(blocks), how));
    return reachFailpoint("recover.midReplay");
}

void Scheduler::start(const Boundary& last) {
    last_ = last;
    const Instant now = this->now();
    std::optional<BatchTime> previous;
    if (last_.beforeFirst()) {
        last_.zeroTime = BatchTimes::zeroTime(options_.interval, now);
    } else {
        previous = last_.time;
        std::lock_guard lock(mutex_);
        progress_.batch = last_.batch;
        progress_.time = last_.time;
    }
    times_.emplace(options_.interval, options_.slides ? last_.zeroTime : BatchTime{}, previous,
                   now);
    ended_ = false;
    thread_ = std::thread([this] { loop(); });
    pthread_setname_np(thread_.native_handle(), "tm-schedule");
}

void Scheduler::loop() {
    const OwnThreadScope own;
    while (waitForDue()) {
        Result<> result;
        auto caught = catchingAll([&] { result = nextBatch(); });
        if (!caught) result = std::move(caught);
        if (!result) return end(std::move(result));
    }
    end({});
}

// False: there is nothing left to do.
bool Scheduler::waitForDue() {
    std::unique_lock lock(mutex_);
    const auto wake = [this] {
        return requested_ != RequestedState::kRun || !outcome_ || times_->wait(now()).count() <= 0;
    };
    // Due times follow the wall clock, which may be set while this sleeps by the monotonic one.
    while (!wake()) {
        const Instant now = this->now();
        const auto sleep = std::min<std::chrono::nanoseconds>(times_->wait(now), kLongestSleep);
        clock_.waitUntil(lock, changed_, now.monotonic + sleep, wake);
    }
    if (!outcome_ || requested_ == RequestedState::kAbandon) return false;
    if (requested_ != RequestedState::kFinish) return true;
    lock.unlock();
    return log_.pendingBlocks() != 0 || hooks_.inputsWait();
}

// The time of the batch that begins; what is unusual about it is said.
BatchTime Scheduler::takeTime() {
    const Instant now = this->now();
    const auto choice = times_->take(now, true);
    due_ = choice.due;
    if (choice.kind == BatchTimes::Kind::kGap && !last_.beforeFirst())
        logInfo("batch times go on at " + std::to_string(toMillis(choice.time)) + " ms, " +
                std::to_string((choice.time - last_.time).count()) +
                " ms behind the batch before: the job was down, or the clock was set forward, or "
                "the machine slept");
    const bool held = choice.kind == BatchTimes::Kind::kHeld;
    if (held && !held_)
        logWarning(
            "the clock is " + std::to_string(times_->behind(now).count()) +
            " ms behind the last batch: until it has caught up, batches go on but their "
            "times hold, and windows and timeouts stand still; set the clock right, or wait, or "
            "begin a new data directory if this one was written under a clock far ahead");
    if (held_ && !held) logInfo("the clock has caught up with the batch times");
    held_ = held;
    std::lock_guard lock(mutex_);
    progress_.clockBehind = held ? times_->behind(now) : Duration(0);
    return choice.time;
}

Result<> Scheduler::nextBatch() {
    const auto begun = clock_.monotonic();
    const BatchTime time = takeTime();

    TM_ASSIGN(const auto prepared, hooks_.prepareRanges(now(), options_.maxBatchBytes));
    // Sockets that bring more than a batch takes leave files their part.
    const std::size_t forFiles = std::min(prepared, options_.maxBatchBytes / kPartOfFiles);
    const std::size_t forBlocks = batchSize_.bytesMax() - forFiles;
    std::vector<OutputNote> notes;
    if (options_.shows) {
        TM_ASSIGN(notes, graph_.takeNotes());
    }
    BatchRecord record;
    std::vector<BlockPtr> blocks;
    Lsn recordLsn;
    {
        const BlockLog::Hold oneGroup(log_);
        hooks_.flushInputs(time);
        blocks = log_.take(forBlocks);
        std::size_t taken = 0;
        for (const auto& block : blocks) taken += block->sizeBytes();
        const std::size_t room =
            std::max(options_.maxBatchBytes - std::min(taken, options_.maxBatchBytes), forFiles);
        // Inside, so that the record and the blocks it owns are written together. Blocks may be
        // appended between them: the record's endLsn says which are its own.
        TM_ASSIGN(auto ranges, hooks_.planRanges(room));
        record = makeRecord(time, blocks, std::move(ranges), std::move(notes));
        TM_FAILPOINT("batch.beforeRecord");
        TM_ASSIGN(recordLsn, log_.appendRecord(record));
    }
    if (observer_ != nullptr) observer_->batchSubmitted(record, blocks, due_);
    if (!TM_MUTANT(record_not_awaited)) TM_TRY(log_.waitDurable(recordLsn));
    TM_FAILPOINT("batch.afterRecordSync");
    TM_TRY(run(record, std::move(blocks), {.isLast = true, .skipped = nullptr, .marker = nullptr}));

    std::lock_guard lock(mutex_);
    progress_.schedulingDelay = std::max(begun - due_, std::chrono::nanoseconds(0));
    progress_.processing = clock_.monotonic() - begun;
    progress_.processingTotal += progress_.processing;
    return {};
}

BatchRecord Scheduler::makeRecord(BatchTime time, const std::vector<BlockPtr>& blocks,
                                  std::vector<SourceRange> ranges, std::vector<OutputNote> notes) {
    BatchRecord record;
    const bool reused = TM_MUTANT(batch_id_reused) && !last_.beforeFirst();
    record.batch = reused ? last_.batch : last_.batch.next();
    record.time = time;
    record.zeroTime = last_.zeroTime;
    record.endLsn = blocks.empty() ? last_.endLsn : blocks.back()->lsn();
    record.cuts = cutPartitions(blocks, workers_.count(),
                                [this](SourceId source) { return hooks_.framing(source); });
    record.keyRanges = kKeyRanges;
    record.ranges = std::move(ranges);
    record.notes = std::move(notes);
    record.steps = options_.steps;
    record.onError = options_.onError;
    record.nonce = options_.nonce;
    record.failedBefore = std::exchange(skipped_, {});
    record.fingerprint = std::exchange(nextFingerprint_, options_.fingerprint);
    return record;
}

Result<> Scheduler::run(const BatchRecord& record, std::vector<BlockPtr> blocks,
                        const Replay& how) {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    for (const auto& block : blocks) {
        records += block->origin().lines;
        bytes += block->sizeBytes();
    }
    if (observer_ != nullptr) observer_->batchStarted(record);
    {
        const bool exactly = how.skipped != nullptr && !how.skipped->unknown;
        FailedRecords failed({record.onError, options_.deadLettersMax,
                              exactly ? &how.skipped->elements : nullptr, how.marker});
        BatchRun batch(record, std::move(blocks), workers_, &failed, options_.owner);
        workers_.runInOrder(how.marker != nullptr);
        const bool isShown = how.isLast || TM_MUTANT(every_replayed_batch_shown);
        auto ran = graph_.runBatch(batch, isShown && options_.shows, observer_);
        workers_.runInOrder(false);
        if (!ran) return core::fail(hooks_.batchFailed(batch, std::move(ran.error())));
        skipped_ = failed.takeSkipped();
        TM_TRY(hooks_.afterRun(batch, how.isLast));
        batchSize_.ran(bytes, batch.heldBytes());
    }
    last_ = record;
    {
        std::lock_guard lock(mutex_);
        progress_.batch = record.batch;
        progress_.time = record.time;
        ++progress_.batches;
        progress_.records += records;
        progress_.bytes += bytes;
        changed_.notify_all();
    }
    if (observer_ != nullptr) observer_->batchCompleted(record);
    return hooks_.atBoundary(record, !skipped_.unknown);
}

void Scheduler::end(Result<> outcome) {
    std::lock_guard lock(mutex_);
    if (outcome_) outcome_ = std::move(outcome);
    ended_ = true;
    changed_.notify_all();
}

void Scheduler::finish() {
    {
        std::lock_guard lock(mutex_);
        if (requested_ == RequestedState::kRun) requested_ = RequestedState::kFinish;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Scheduler::abandon() {
    {
        std::lock_guard lock(mutex_);
        requested_ = RequestedState::kAbandon;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Scheduler::fail(Error error) {
    std::lock_guard lock(mutex_);
    if (outcome_) outcome_ = core::fail(std::move(error));
    changed_.notify_all();
}

Result<> Scheduler::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
    return outcome_;
}

std::optional<Result<>> Scheduler::waitFor(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [this] { return ended_; })) return std::nullopt;
    return outcome_;
}

Result<bool> Scheduler::waitForBatch(BatchId id, std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    const auto complete = [&] { return progress_.batch >= id; };
    changed_.wait_for(lock, timeout, [&] { return complete() || ended_; });
    if (!complete() && !outcome_) return core::fail(outcome_.error());
    return complete();
}

BatchProgress Scheduler::progress() const {
    std::lock_guard lock(mutex_);
    return progress_;
}

}  // namespace tidemill::core
