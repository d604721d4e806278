// What can be saved of a damaged data directory, as a copy that a job starts on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "recovery/backup.h"
#include "recovery/decision.h"

namespace tidemill::recovery {

struct RepairReport {
    // The checkpoint that it begins with; none: the log reaches back to its beginning.
    std::optional<core::BatchId> checkpoint;
    std::vector<std::string> unsound;  // newer checkpoints that are not, and why
    core::Lsn lastLsn;                 // of the log that goes on from there without a hole
    // Frames that were durable and are not in it: damaged, missing, or behind those.
    std::optional<LsnRange> lost;
    // Of those behind the hole what can still be read: `tidemill wal dump` shows it.
    std::uint64_t readableFrames = 0;
    std::uint64_t readableRecords = 0;
};

// Makes `to`, which must not exist, of the newest checkpoint of `from` that is sound in every byte
// and the frames behind it up to the first hole, read back in the end. `from` is not changed, and
// no job may run on it. What is lost is not hidden: its senders are told to send it again where
// they can, as after any start. Errors: kNotFound (no data directory), kConflict (`to` exists),
// kCorrupt (nothing to begin with; the records contradict each other), kUnsupported, kIo, kNoSpace.
core::Result<RepairReport> repairInto(core::FileSystem& files, const core::Path& from,
                                      const core::Path& to, const ReadsAll& readsAll,
                                      const BackupProgress& progress);

}  // namespace tidemill::recovery
