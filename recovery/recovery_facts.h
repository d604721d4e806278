// What a data directory holds, gathered for the decision what to recover from: by a start, and by
// those who only look, so that both judge alike.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/file_system.h"
#include "recovery/data_directory.h"
#include "recovery/decision.h"
#include "recovery/generations.h"
#include "recovery/log_scan.h"

namespace tidemill::recovery {

struct GatherOptions {
    std::optional<std::uint64_t> fingerprint;  // see RecoveryFacts
    std::uint64_t steps = 0;                   // likewise
    core::BatchId stoppedAt;                   // likewise
    ReadsAll readsAll;                         // for generations that are suspect
    // Of the scan: its `after` is found here, the rest is as LogScanOptions says.
    LogScanOptions scan;
};

struct Findings {
    RecoveryFacts facts;
    // The newest generation that verifies.
    std::optional<GenerationName> generation;
    std::optional<Manifest> manifest;
    // Newer ones that do not, and why.
    std::vector<GenerationName> damaged;
    std::vector<std::string> damagedWhy;
    bool generationWasSuspect = false;  // and has been read in full
    LogScan scan;

    // "; WHAT" for each damage that the scan met, at most some.
    std::string damageNotes() const;
};

// Writes nothing. Errors: kUnsupported (a newer format), kIo, those of scanLog().
core::Result<Findings> gatherFacts(core::FileSystem& files, const core::Path& dataDirectory,
                                   const DirectoryFormat& format, const GatherOptions& options);

}  // namespace tidemill::recovery
