// Looks at a data directory that may be in use: takes no lock, writes nothing, and bears segments
// and generations that vanish meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"
#include "core/file_system.h"
#include "recovery/decision.h"
#include "recovery/generations.h"
#include "recovery/log_index.h"
#include "recovery/segment_reader.h"

namespace tidemill::recovery {

struct SegmentSummary {
    std::string file;  // name in wal/
    std::uint32_t epoch = 0;
    core::Lsn firstLsn;
    core::Lsn lastLsn;  // 0: no frame yet
    std::uint64_t sizeBytes = 0;
    std::uint64_t usedBytes = 0;
    std::uint64_t frames = 0;  // batch records included
    std::uint64_t batchRecords = 0;
    bool isSuperseded = false;  // wholly replaced by a recovery that was cut short
};

// What `wal verify` finds.
struct LogProblem {
    std::string message;  // names file and offsets
    std::optional<LsnRange> lost;
    // A write that was cut short or is under way: no loss, the next start drops it.
    bool unfinishedTail = false;
};

struct LogReport {
    std::vector<SegmentSummary> segments;
    std::vector<LogProblem> problems;
    core::Lsn knownDurable;  // highest LSN known to be durable
    // What a start of the job that recorded the batches would decide; a refusal is among the
    // problems.
    Decision decision;
    bool sound() const {
        for (const auto& problem : problems)
            if (!problem.unfinishedTail) return false;
        return true;
    }
};

// Reads the whole log in `dataDirectory`, and the checkpoints' manifests: the summary for `wal
// list`, and for `wal verify` every damage and what a start would refuse.
// `readsAll` reads suspect checkpoints in full, as a start does. Errors: kNotFound, kIo,
// kUnsupported.
core::Result<LogReport> inspectLog(core::FileSystem& files, const core::Path& dataDirectory,
                                   const ReadsAll& readsAll = {});

struct DumpedFrame {
    std::string file;
    std::uint64_t offset = 0;
    core::Lsn lsn;
    core::Lsn knownDurable;
    std::uint64_t frameBytes = 0;
    // One of the two is set. The bytes of a block are a view that is valid during the call.
    std::optional<core::BatchRecord> record;
    std::optional<core::BlockOrigin> origin;
    std::string_view bytes;
};

// Every frame that counts with LSN > `after`, in LSN order; damage is passed over.
core::Result<> dumpLog(core::FileSystem& files, const core::Path& dataDirectory, core::Lsn after,
                       const std::function<core::Result<>(const DumpedFrame&)>& visit);

// Records in the log in data frames with LSN > `after`: those that a checkpoint with this endLsn
// does not include. Frames not synced yet may count.
core::Result<std::uint64_t> loggedRecordsAfter(core::FileSystem& files,
                                               const core::Path& dataDirectory, core::Lsn after);

struct GenerationSummary {
    GenerationName name;
    core::Path path;
    bool suspect = false;
    std::optional<core::BatchMark> mark;  // none: the manifest cannot be read
    std::uint64_t files = 0;
    std::uint64_t sizeBytes = 0;
    std::string problem;  // empty: nothing found
};

// Newest first. With `readsAll` each is verified in full, else by names, sizes and manifest.
core::Result<std::vector<GenerationSummary>> inspectGenerations(core::FileSystem& files,
                                                                const core::Path& dataDirectory,
                                                                const ReadsAll& readsAll = {});

}  // namespace tidemill::recovery
