// Takes a job from what its data directory holds to the point where new batches begin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_observer.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/scheduler.h"
#include "core/workers.h"
#include "recovery/recover.h"
#include "state/state_store.h"
#include "tidemill/dead_letters.h"
#include "tidemill/inputs.h"
#include "tidemill/job.h"
#include "tidemill/options.h"
#include "tidemill/running_job.h"
#include "tidemill/start_progress.h"

namespace tidemill {

// What the batches of a job run with. All of it outlives the job.
struct BatchSurroundings {
    const StreamingOptions& options;
    Job& job;
    core::Clock& clock;
    core::Workers& workers;
    core::BatchHooks& hooks;
    core::BatchObserver& observer;
    DeadLetters& deadLetters;
    Inputs& inputs;
};

// Each step hands on what it found: the locked directory, the facts and the decision about them,
// the log with a new epoch, the outputs' marks, the state, the batches that run again.
// docs/recovery.md tells the same.
//
// Who calls whom, with a data directory:
//
//   Engine::start            Start::run
//     Start::durable           openDirectory: lock, FORMAT, JOB
//       recovery::recover      gatherFacts -> Start::fitJob -> decide -> repairLog -> work/
//       checkPending: what waits in the log is of sources that the job has
//       Start::resume          openOutputs, openState, openLog, makeScheduler, makeCheckpointer
//         Replay::run          each recorded batch: runOne, and for the newest runLast, which
//                              counts the try in ATTEMPTS before and shows its results; both
//                              Scheduler::replay -> Graph::runBatch, and as in any batch
//                              BatchHooks (Engine) behind and when it fails
//   Engine::start            then opens the sources and lets the scheduler make new batches
//
// Thread safety: worker-confined.
class Start {
public:
    // Fills `into`, also as far as it comes when it fails.
    Start(const BatchSurroundings& with, RunningJob& into);

    // Errors: kInvalid, kConflict (the job does not fit the directory), kCorrupt, kUnsupported,
    // kIo, kNoSpace, kUserCode.
    core::Result<> run();

private:
    core::Result<> checkPlaces() const;
    core::Result<> inMemory();
    core::Result<> durable();
    core::Result<> openDirectory();
    core::Result<> checkJobName();
    core::Result<> keepJobName();
    core::Result<recovery::Recovered> recover();
    recovery::JobFit fitJob(const std::optional<core::BatchMark>& mark);
    core::Result<> keepSourceKinds();
    core::Result<> resume(recovery::Recovered& recovered);
    core::Result<> openOutputs();
    core::Result<> checkPending(const recovery::Recovered& recovered) const;
    core::Result<> openState(const recovery::Recovered& recovered);
    core::Result<> bindStates(BatchTime firstStart);
    core::Result<> openLog(recovery::Recovered& recovered);
    void makeScheduler();
    void makeCheckpointer(const recovery::Recovered& recovered);
    state::StateStoreOptions storeOptions(const core::Path& workDirectory) const;

    const BatchSurroundings with_;
    const StreamingOptions& options_;
    Job& job_;
    RunningJob& parts_;
    StartProgress progress_;
    const std::uint64_t steps_;
    std::uint64_t beginFingerprint_ = 0;  // see SchedulerOptions
    core::BatchId stoppedAt_;             // the last batch, when it ended the job before its end
    std::string jobName_;                 // the directory's; empty: none yet
    std::string sourceKinds_;             // likewise
};

}  // namespace tidemill
