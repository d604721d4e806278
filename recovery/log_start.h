// Where recovery left the log, and where its writer goes on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/block.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "recovery/log_uuid.h"

namespace tidemill::recovery {

struct SegmentPlace {
    std::uint32_t epoch = 0;
    core::Lsn firstLsn;
    std::uint64_t sizeBytes = 0;  // of the file
    bool operator==(const SegmentPlace&) const = default;
};

// Thread safety: immutable.
struct LogStart {
    core::Path directory;
    core::Path witness;  // DIR/DURABLE, which says `last`
    LogUuid uuid;
    std::uint32_t epoch = 0;
    // Ascending; the last one is written to, from `appendOffset` on.
    std::vector<SegmentPlace> segments;
    std::uint64_t appendOffset = 0;
    // LSN of the last frame; everything up to it is durable.
    core::Lsn last;
    // Blocks that no batch owns yet, in LSN order.
    std::vector<core::BlockPtr> pending;
};

}  // namespace tidemill::recovery
