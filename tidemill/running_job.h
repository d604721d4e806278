// The parts that one running job consists of, from its data directory to its scheduler.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_mark.h"
#include "core/block_log.h"
#include "core/error.h"
#include "core/output.h"
#include "core/scheduler.h"
#include "recovery/at_work.h"
#include "recovery/attempts.h"
#include "recovery/data_directory.h"
#include "recovery/generations.h"
#include "recovery/log_writer.h"
#include "state/state_store.h"
#include "tidemill/checkpointer.h"
#include "tidemill/disk_budget.h"
#include "tidemill/lane_positions.h"
#include "tidemill/operator_match.h"
#include "tidemill/source_positions.h"

namespace tidemill {

// Destroyed in the reverse order. Without a data directory there are
// no `directory`, `generations`, `attempts`, `atWork`, `logWriter` and `checkpointer`.
struct RunningJob {
    std::string owner;        // identity of the data directory, or of this process without one
    bool outputsOff = false;  // of a fork; see recovery::Fork
    std::uint64_t nonce = 0;  // random, of this start
    std::uint64_t fingerprint = 0;  // Job::fingerprint
    DiskBudget disk;
    OperatorMatch operators;
    std::unique_ptr<recovery::DataDirectory> directory;
    std::unique_ptr<recovery::Generations> generations;
    std::unique_ptr<recovery::AttemptsFile> attempts;
    std::unique_ptr<recovery::AtWorkFile> atWork;
    std::unique_ptr<state::StateStore> store;
    std::unique_ptr<LanePositionsTable> lanes;
    std::unique_ptr<SourcePositions> sourcePositions;
    std::vector<core::OutputOperation*> outputs;  // that are open
    std::unique_ptr<core::BlockLog> log;
    recovery::LogWriter* logWriter = nullptr;  // `log`, when it is durable
    std::unique_ptr<core::Scheduler> scheduler;
    std::unique_ptr<Checkpointer> checkpointer;

    bool checkpointReadInFull = false;  // at this start
    // The batch that runs came to its end in an earlier process.
    bool completeBefore = false;
    std::atomic<bool> replaying = false;  // a start runs a batch again
    core::Boundary recorded;  // where the directory's batches end, before the scheduler starts
    std::optional<core::Boundary> lastComplete;  // of the batches that this process has run

    // Ends the threads and closes outputs and log; idempotent. Errors: the first that closing one
    // of them gave.
    core::Result<> close();

    // That the directory which is held still has its name: its path may lead to another one by now.
    core::Result<> stillOurs() const;
    core::BatchMark markOf(const core::Boundary& boundary) const;

    // Checkpoints share files, so bad bytes may be in any of them: after an error that says so, the
    // next start reads a checkpoint in full before it uses it, and falls back to an older one.
    void suspectIfCorrupt(const core::Result<>& result) const;
    // An error of damaged state says that another start mends it, unless this one has read the
    // checkpoint in full and another would find the same.
    core::Result<> sayIfHeals(core::Result<> result) const;
};

}  // namespace tidemill
