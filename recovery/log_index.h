// Where in the segments the frames of the log are, coarsely: enough to start reading near any
// LSN without holding one entry per frame.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/block.h"
#include "core/buffer_pool.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "recovery/log_uuid.h"

namespace tidemill::recovery {

struct LsnRange {
    core::Lsn first;
    core::Lsn last;  // inclusive
    bool operator==(const LsnRange&) const = default;
};

std::string toString(const LsnRange& range);

struct IndexedSegment {
    struct Place {
        core::Lsn lsn;
        std::uint64_t offset = 0;
    };
    std::uint32_t epoch = 0;
    core::Lsn firstLsn;
    core::Lsn lastLsn;          // of the frames that count; below firstLsn: none
    std::vector<Place> places;  // ascending
};

// Thread safety: immutable.
struct LogIndex {
    core::Path directory;
    LogUuid uuid;
    std::vector<IndexedSegment> segments;  // ascending, LSNs do not overlap
    // What blocks are read into; null: memory of their own. Batch after batch is read into the same
    // memory that way, also beyond its budget.
    std::shared_ptr<core::BufferPool> buffers;

    // The blocks of `range`, of which the first `bytesInMemory` bytes stay in memory. Errors:
    // kCorrupt, kIo.
    core::Result<std::vector<core::BlockPtr>> blocks(core::FileSystem& files, LsnRange range,
                                                     std::size_t bytesInMemory) const;

    // The data frames in `range` in LSN order, each exactly as it was appended; every frame of
    // the range must be there. `visit` may release a block, which is read anew then when it is
    // used. Errors: kCorrupt, kIo, what `visit` returns.
    core::Result<> readBlocks(core::FileSystem& files, LsnRange range,
                              const std::function<core::Result<>(core::BlockPtr)>& visit) const;
};

}  // namespace tidemill::recovery
