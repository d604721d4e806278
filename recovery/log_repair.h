// Turns the log that a scan found into one that can be appended to: begins a new epoch and removes
// what it replaces. What may stay was decided before (recovery/decision.h).
#pragma once

#include <cstdint>
#include <functional>

#include "core/error.h"
#include "recovery/data_directory.h"
#include "recovery/decision.h"
#include "recovery/log_index.h"
#include "recovery/log_scan.h"
#include "recovery/log_start.h"

namespace tidemill::recovery {

struct LogRepairOptions {
    // Of the new epoch's first segment, unless it must hold more.
    std::uint64_t segmentBytes = 64 << 20;
    // Told how many frames have been copied; must return quickly.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct RepairedLog {
    LogStart start;  // without `pending`
    LogIndex index;  // of the frames that are left
};

// Every step may be the last: what is left then is a log that the next recovery repairs. Errors:
// kIo, kNoSpace, kCorrupt.
core::Result<RepairedLog> repairLog(DataDirectory& directory, const LogScan& scan,
                                    const Decision& decision, const LogRepairOptions& options);

}  // namespace tidemill::recovery
