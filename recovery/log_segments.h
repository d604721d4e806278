// The segments of the log that are there, and how the oldest go.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <span>

#include "core/error.h"
#include "core/file_system.h"
#include "core/ids.h"
#include "recovery/log_start.h"

namespace tidemill::recovery {

// Thread safety: thread-safe.
class LogSegments {
public:
    // In the order of the log; the last is being written.
    LogSegments(core::FileSystem& files, core::Path directory, std::span<const SegmentPlace> there)
        : files_(files), directory_(std::move(directory)), segments_(there.begin(), there.end()) {}

    // A new last one.
    void add(SegmentPlace segment);
    std::uint64_t sizeBytes() const;
    // Removes those that hold nothing behind `lsn`; the last one stays. Errors: kIo.
    core::Result<> trim(core::Lsn lsn);

private:
    core::FileSystem& files_;
    const core::Path directory_;
    std::mutex trimMutex_;
    mutable std::mutex mutex_;
    std::deque<SegmentPlace> segments_;
};

}  // namespace tidemill::recovery
