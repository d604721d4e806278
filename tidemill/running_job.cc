#include "tidemill/running_job.h"

#include "core/logging.h"
#include "core/workers.h"

namespace tidemill {

using core::ErrorKind;
using core::Result;

Result<> RunningJob::close() {
    if (checkpointer) checkpointer->stop();
    Result<> first;
    const auto keepFirst = [&](Result<> result) {
        if (first) first = std::move(result);
    };
    for (auto* const output : std::exchange(outputs, {})) {
        Result<> closed;
        keepFirst(core::catchingAll([&] { closed = output->close(); }));
        keepFirst(std::move(closed));
    }
    if (logWriter) keepFirst(logWriter->close());
    return first;
}

Result<> RunningJob::stillOurs() const { return directory ? directory->stillHeld() : Result<>(); }

core::BatchMark RunningJob::markOf(const core::Boundary& boundary) const {
    core::BatchMark mark;
    static_cast<core::Boundary&>(mark) = boundary;
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
