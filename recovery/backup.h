// Copies of a data directory that may be in use: as it was at a moment, and verified.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "recovery/generations.h"
#include "recovery/log_uuid.h"

namespace tidemill::recovery {

struct BackupReport {
    std::uint64_t files = 0;
    std::uint64_t copiedBytes = 0;
    std::uint64_t linkedBytes = 0;  // of files that never change; they share their disk blocks
    std::optional<core::BatchId> checkpoint;  // the newest one in it
    core::Lsn lastLsn;                        // the last frame of its log
};

// What makes a copy a fork: an identity of its own, so that outputs take nothing of the original's
// for its own; see Fork.
struct ForkAs {
    LogUuid identity;
    bool outputs = false;
};

// What of a data directory is copied.
struct BackupChoice {
    bool savepoints = false;  // these too
    // Checkpoints of this batch and older ones only: a start runs what the log holds behind it
    // again. It must be there. None: all.
    std::optional<core::BatchId> newestCheckpoint{};
};

// Called from time to time with what has been done, for people.
using BackupProgress = std::function<void(const std::string&)>;

// Makes `to`, which must not exist, a data directory that a job can start on: all published
// checkpoints of `from`, the log as it was at one moment, and what stands beside them. The job that
// runs on `from` is not disturbed. Nothing is there under the name `to` until all of it is, durable
// and read back: checkpoints in full, every frame of the log. When the job removes what is being
// copied, it is begun again, five times at most. With `fork`, the copy is one.
// Errors: kNotFound (no data directory, or no such checkpoint), kConflict
// (`to` exists; the job was always faster), kCorrupt (damage of `from`, said as `wal verify` says
// it), kIo, kNoSpace.
core::Result<BackupReport> backUp(core::FileSystem& files, const core::Path& from,
                                  const core::Path& to, const ReadsAll& readsAll,
                                  const BackupProgress& progress,
                                  const std::optional<ForkAs>& fork = std::nullopt,
                                  const BackupChoice& choice = {});

}  // namespace tidemill::recovery
