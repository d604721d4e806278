#include "tidemill/replay.h"

#include <algorithm>

#include "core/logging.h"
#include "core/mutant.h"
#include "core/peer_wait.h"
#include "tidemill/batch_failure.h"
#include "tidemill/recorded_batch.h"
#include "tidemill/replay_options.h"
#include "tidemill/start.h"

namespace tidemill {

using core::BatchRecord;
using core::BlockPtr;
using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

// What runs of a batch; of ranges nothing does when all is left out.
BatchRecord withoutLeftOut(const BatchRecord& record) {
    BatchRecord running = record;
    if (record.allSkippedByOption) running.cuts.clear();
    return running;
}

}  // namespace

Replay::Replay(const BatchSurroundings& with, RunningJob& parts, StartProgress& progress,
               std::uint64_t steps, core::BatchId stoppedAt)
    : options_(with.options),
      job_(with.job),
      parts_(parts),
      progress_(progress),
      steps_(steps),
      stoppedAt_(stoppedAt) {}

Result<> Replay::run(recovery::Recovered& recovered) {
    const auto to = options_.replay ? options_.replay->to : core::BatchId();
    for (std::size_t i = 0; i < recovered.batches.size(); ++i) {
        BatchRecord& record = recovered.batches[i];
        if (to.value != 0 && record.batch > to) break;
        const bool last = i + 1 == recovered.batches.size();
        TM_ASSIGN(auto blocks, recovered.blocksOf(i));
        logLarge(record, blocks);
        parts_.completeBefore = !last;
        parts_.replaying = true;
        const bool isUnknown = last || TM_MUTANT(left_out_forgotten);
        const auto* skipped = isUnknown ? nullptr : &recovered.batches[i + 1].failedBefore;
        auto ran = options_.replayOnly ? runApart(record, std::move(blocks), skipped)
                   : last              ? runLast(record, std::move(blocks))
                                       : runOne(record, std::move(blocks), skipped);
        parts_.replaying = false;
        TM_TRY(std::move(ran));
        progress_.at([&] {
            return "recovering: replayed batch " + core::toString(record.batch) + " of " +
                   core::toString(recovered.last.batch);
        });
    }
    parts_.completeBefore = false;
    const bool asked =
        !options_.skipRecords.empty() || options_.quarantineBatch != 0 || options_.skipBatch != 0;
    if (recovered.batches.empty() && asked)
        core::logInfo("no batch waits to be run again: nothing is skipped");
    if (!recovered.last.beforeFirst()) logResumed(recovered);
    return {};
}

Result<> Replay::check(const BatchRecord& record, std::span<const BlockPtr> blocks) {
    TM_TRY(checkRecorded(job_, record, blocks));
    return resumeRanges(job_, record);
}

Result<> Replay::runOne(const BatchRecord& record, std::vector<BlockPtr> blocks,
                        const core::SkippedOfBatch* skipped) {
    TM_TRY(check(record, blocks));
    return parts_.scheduler->replay(withoutLeftOut(record), std::move(blocks),
                                    {.isLast = false, .skipped = skipped, .marker = nullptr});
}

Result<> Replay::runApart(BatchRecord& record, std::vector<BlockPtr> blocks,
                          const core::SkippedOfBatch* skipped) {
    if (!options_.replay) return runOne(record, std::move(blocks), skipped);
    const auto& how = *options_.replay;
    if (how.before) TM_TRY(how.before(record, blocks));
    TM_TRY(check(record, blocks));
    const bool shown = how.shownFrom.value != 0 && record.batch >= how.shownFrom;
    TM_TRY(parts_.scheduler->replay(
        withoutLeftOut(record), std::move(blocks),
        {.isLast = shown, .skipped = how.otherJob ? nullptr : skipped, .marker = nullptr}));
    return how.after ? how.after(record, *parts_.store) : Result<>();
}

Result<> Replay::runLast(BatchRecord& record, std::vector<BlockPtr> blocks) {
    TM_ASSIGN(const bool changed, changeLast(record, blocks));
    TM_TRY(check(record, blocks));
    if (changed) {
        ++record.revision;
        TM_ASSIGN(const auto lsn, parts_.log->appendRecord(record));
        TM_TRY(parts_.log->waitDurable(lsn));
        core::logWarning("batch " + core::toString(record.batch) +
                         " ended the job and is run in another way now: what outputs have shown of "
                         "it is shown anew");
    }
    // So that a mended job need not run what was shown before: it may run this batch alone.
    if (stoppedAt_ == record.batch && parts_.lastComplete)
        TM_TRY(parts_.checkpointer->checkpointNow(parts_.markOf(*parts_.lastComplete)));
    TM_ASSIGN(const auto known, parts_.attempts->begin(record.batch));
    if (known.ended >= recovery::kAttemptsSuspicious) logEnds(known, record, blocks);
    // Without a word, so that the next start can name the record.
    const bool crashed = recovery::endedWithoutWord(known);
    if (crashed) {
        core::logInfo("batch " + core::toString(record.batch) +
                      " has ended the process without a word: it runs one record after another");
        parts_.atWork->begin(record.batch);
    } else {
        TM_TRY(parts_.atWork->remove());
    }
    const auto ran = parts_.scheduler->replay(
        withoutLeftOut(record), std::move(blocks),
        {.isLast = true, .skipped = nullptr, .marker = crashed ? parts_.atWork.get() : nullptr});
    // That a peer of an output is away, and the job is stopped, is not the batch's doing.
    if (!ran && !core::anyWaitsForPeer(job_.graph)) return ran;
    TM_TRY(parts_.attempts->clear());
    TM_TRY(parts_.atWork->remove());
    return ran;
}

void Replay::logEnds(const recovery::Attempts& known, const BatchRecord& record,
                     std::span<const BlockPtr> blocks) const {
    std::string text = "batch " + core::toString(record.batch) + " has ended the process " +
                       std::to_string(known.ended) + " times" +
                       (known.error.empty() ? "" : ", at last with: " + known.error) +
                       ". It holds " + describeContent(job_, record, blocks) + ".";
    std::optional<core::RecordPlace> place;
    const auto work = recovery::endedWithoutWord(known) ? parts_.atWork->read() : std::nullopt;
    if (work && work->batch == record.batch && (work->place || !work->operation.empty())) {
        place = work->place;
        text += " When it last did, it was at";
        if (place) text += " " + describeRecord(job_, blocks, *place);
        if (!work->operation.empty())
            text += std::string(place ? "," : "") + " " + work->operation + " with \"" +
                    core::escaped(work->element, 80) + "\"";
        text += ".";
    }
    text += " It is run once more.";
    if (known.how == recovery::Attempts::How::kBegun) text += waysOn(job_, record.batch, place);
    core::logWarning(text);
}

// True when the record was changed.
Result<bool> Replay::changeLast(BatchRecord& record, std::span<const BlockPtr> blocks) const {
    const BatchRecord before = record;
    if (stoppedAt_ == record.batch) {
        record.steps = steps_;
        record.onError = onError(options_.errorPolicy);
    }
    if (options_.quarantineBatch == record.batch.value) record.onError = core::OnError::kDeadLetter;
    if (options_.skipBatch == record.batch.value) record.allSkippedByOption = true;
    for (const auto& skip : options_.skipRecords) TM_TRY(skipByOption(skip, record, blocks));
    return record != before;
}

Result<> Replay::skipByOption(const StreamingOptions::SkipRecord& skip, BatchRecord& record,
                              std::span<const BlockPtr> blocks) const {
    const core::RecordPlace place{core::Lsn(skip.lsn), skip.line};
    const auto text = std::to_string(skip.lsn) + ":" + std::to_string(skip.line);
    const auto block = std::find_if(blocks.begin(), blocks.end(), [&](const auto& candidate) {
        return candidate->lsn() == place.lsn;
    });
    if (block != blocks.end() && skip.line >= 1 && skip.line <= (*block)->origin().lines) {
        auto& all = record.skippedByOption;
        if (!std::binary_search(all.begin(), all.end(), place))
            all.insert(std::upper_bound(all.begin(), all.end(), place), place);
        return {};
    }
    if (block == blocks.end() && place.lsn <= record.endLsn) {
        core::logInfo("record " + text +
                      " is of a batch that has come to its end: it is not skipped");
        return {};
    }
    return fail(ErrorKind::kConflict, "there is no record " + text + " to be skipped in batch " +
                                          core::toString(record.batch) + ", which holds " +
                                          describeContent(job_, record, blocks));
}

void Replay::logLarge(const BatchRecord& record, std::span<const BlockPtr> blocks) const {
    std::size_t bytes = 0;
    for (const auto& block : blocks) bytes += block->sizeBytes();
    if (bytes > options_.maxBatchBytes && job_.graph.holdsRecords())
        core::logInfo("batch " + core::toString(record.batch) + " was recorded with " +
                      std::to_string(bytes) + " bytes, more than max_batch_bytes=" +
                      std::to_string(options_.maxBatchBytes) + " now; it is replayed whole");
}

void Replay::logResumed(const recovery::Recovered& recovered) const {
    core::logInfo("resumed behind batch " + core::toString(recovered.last.batch) + ": " +
                  (recovered.mark
                       ? "state of the checkpoint at batch " + core::toString(recovered.mark->batch)
                       : std::string("no checkpoint was there")) +
                  ", " + std::to_string(recovered.batches.size()) +
                  (recovered.batches.size() == 1 ? " batch replayed, " : " batches replayed, ") +
                  std::to_string(progress_.took().count()) + " ms in all");
}

}  // namespace tidemill
