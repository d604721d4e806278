// Reads the log once, of segments that need not be read only the heads, and says what is there;
// decides nothing, changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_record.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/lanes.h"
#include "recovery/log_index.h"
#include "recovery/log_writer.h"
#include "recovery/segment.h"
#include "recovery/segment_reader.h"

namespace tidemill::recovery {

struct SegmentScan {
    SegmentName name;
    std::uint64_t sizeBytes = 0;
    std::optional<core::Error> headerDamage;
    bool skipped = false;  // wholly at or below what is needed: only its header was read
    // Frames with this LSN or a higher one are superseded: a recovery replaced them. 0: none is.
    core::Lsn supersededFrom;
    std::uint64_t frames = 0;  // that count, batch records included
    std::uint64_t batchRecords = 0;
    core::Lsn lastLsn;                              // of the frames that count; 0: none
    std::uint64_t endOffset = kSegmentHeaderBytes;  // behind them
    bool anySuperseded = false;
    std::vector<Damage> damages;
    bool supersededWhole() const {
        return supersededFrom.value != 0 && name.firstLsn >= supersededFrom;
    }
};

struct ScannedRecord {
    core::Lsn lsn;
    core::BatchRecord record;
};

struct LogScan {
    std::vector<SegmentScan> segments;  // ascending
    LogIndex index;                     // of the frames that count and were read
    core::Lsn gaplessLast;              // from `after` on; `after` when its successor is missing
    core::Lsn beyondGap;                // first frame after a gap; 0: none
    core::Lsn knownDurable;             // by frames and segment headers
    core::Lsn highest;                  // of any frame that counts
    bool gapBelow = false;              // damage or a gap at or below `after`
    // Of the frames after `after` up to gaplessLast:
    std::vector<ScannedRecord> records;
    core::LanePositions lanes;

    core::Lsn firstLsn() const {
        return segments.empty() ? core::Lsn() : segments[0].name.firstLsn;
    }
};

struct LogScanOptions {
    // Only frames above are of interest; segments that end at or below it are skipped.
    core::Lsn after;
    bool skipBelow = true;
    // For logs that are being written: a segment that has vanished is left out.
    bool tolerateVanished = false;
    std::function<void(std::uint64_t doneBytes, std::uint64_t totalBytes)> progress;
    // Called for each frame that counts, in LSN order.
    std::function<core::Result<>(const SegmentScan&, const Frame&)> visit;
};

// Errors: kIo, kUnsupported, what `visit` returns; kCorrupt when a frame with a good checksum
// does not parse. Damage is no error: it is part of the answer.
core::Result<LogScan> scanLog(core::FileSystem& files, const core::Path& directory,
                              const LogUuid& uuid, const LogScanOptions& options);

}  // namespace tidemill::recovery
