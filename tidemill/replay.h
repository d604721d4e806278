// Runs again, at a start, the batches that were recorded behind the checkpoint.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"
#include "recovery/recover.h"
#include "tidemill/options.h"
#include "tidemill/running_job.h"
#include "tidemill/start_progress.h"

namespace tidemill {

struct BatchSurroundings;
struct Job;

// Each record is checked before its batch runs. All but the last came to their end in an earlier
// process: they run without outputs, in the same way. The last one may have ended the process: then
// it may run in another way, as the options ask, which is recorded before it does. Thread safety:
// worker-confined.
class Replay {
public:
    // `steps`: Job::steps. `stoppedAt`: the last batch, when it ended the job before its end; or 0.
    Replay(const BatchSurroundings& with, RunningJob& parts, StartProgress& progress,
           std::uint64_t steps, core::BatchId stoppedAt);

    // Errors: kCorrupt, kUnsupported, kConflict (a record does not fit its blocks, this build or
    // this job), and those of the batches.
    core::Result<> run(recovery::Recovered& recovered);

private:
    // `skipped`: what the record behind it says that it left out; null: there is none behind it.
    core::Result<> runOne(const core::BatchRecord& record, std::vector<core::BlockPtr> blocks,
                          const core::SkippedOfBatch* skipped);
    // Of a job that only replays.
    core::Result<> runApart(core::BatchRecord& record, std::vector<core::BlockPtr> blocks,
                            const core::SkippedOfBatch* skipped);
    core::Result<> runLast(core::BatchRecord& record, std::vector<core::BlockPtr> blocks);
    core::Result<> check(const core::BatchRecord& record, std::span<const core::BlockPtr> blocks);
    core::Result<bool> changeLast(core::BatchRecord& record,
                                  std::span<const core::BlockPtr> blocks) const;
    core::Result<> skipByOption(const StreamingOptions::SkipRecord& skip, core::BatchRecord& record,
                                std::span<const core::BlockPtr> blocks) const;
    void logEnds(const recovery::Attempts& known, const core::BatchRecord& record,
                 std::span<const core::BlockPtr> blocks) const;
    void logLarge(const core::BatchRecord& record, std::span<const core::BlockPtr> blocks) const;
    void logResumed(const recovery::Recovered& recovered) const;

    const StreamingOptions& options_;
    Job& job_;
    RunningJob& parts_;
    StartProgress& progress_;
    const std::uint64_t steps_;
    const core::BatchId stoppedAt_;
};

}  // namespace tidemill
