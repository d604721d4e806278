#include "tidemill/running_job.h"

#include "core/logging.h"

namespace tidemill {

using core::ErrorKind;
using core::Result;

Result<> RunningJob::close() {
    if (checkpointer) checkpointer->stop();
    return logWriter ? logWriter->close() : Result<>();
}

Result<> RunningJob::stillOurs() const { return directory ? directory->stillHeld() : Result<>(); }

core::BatchMark RunningJob::markOf(const core::BatchRecord& record) const {
    core::BatchMark mark;
    mark.batch = record.id;
    mark.time = record.time;
    mark.zeroTime = record.zeroTime;
    mark.endLsn = record.endLsn;
    mark.fingerprint = fingerprint;
    mark.operators = operators.entries;
    return mark;
}

void RunningJob::suspectIfCorrupt(const Result<>& result) const {
    if (result || !result.error().heals) return;
    const auto names = generations->list();
    for (const auto& name : names.value_or(std::vector<recovery::GenerationName>()))
        if (const auto marked = generations->markSuspect(name); !marked)
            core::logError("checkpoint " + recovery::toString(name) +
                           " could not be marked as suspect: " + marked.error().message);
}

Result<> RunningJob::sayIfHeals(Result<> result) const {
    if (result || result.error().kind != ErrorKind::kCorrupt || result.error().heals ||
        !generations || checkpointReadInFull)
        return result;
    core::Error error = std::move(result.error());
    error.message +=
        "; start again: the checkpoints are suspect from now on, and the next start "
        "takes one that it has read in full";
    error.heals = true;
    return core::fail(std::move(error));
}

}  // namespace tidemill
