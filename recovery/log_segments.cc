#include "recovery/log_segments.h"

#include <string>
#include <vector>

#include "core/failpoint.h"
#include "core/mutant.h"
#include "recovery/segment.h"

namespace tidemill::recovery {

void LogSegments::add(SegmentPlace segment) {
    std::lock_guard lock(mutex_);
    segments_.push_back(segment);
}

std::uint64_t LogSegments::sizeBytes() const {
    std::lock_guard lock(mutex_);
    std::uint64_t bytes = 0;
    for (const auto& segment : segments_) bytes += segment.sizeBytes;
    return bytes;
}

core::Result<> LogSegments::trim(core::Lsn lsn) {
    std::lock_guard trimming(trimMutex_);
    // Their names go first and for good: a segment that lost its end must not be taken for one.
    std::vector<core::Path> removed;
    for (;;) {
        core::Path path;
        {
            std::lock_guard lock(mutex_);
            // The last frame of a segment is known only by what follows it.
            const std::size_t next = TM_MUTANT(log_trimmed_a_segment_early) ? 0 : 1;
            if (segments_.size() < 2 || segments_[next].firstLsn > lsn.next()) break;
            const auto& first = segments_.front();
            path = directory_ / toString(SegmentName{first.firstLsn, first.epoch});
        }
        if (removed.empty()) TM_FAILPOINT("trim.beforeUnlink");
        removed.push_back(path.string() + std::string(kRemovedSuffix));
        TM_TRY(files_.rename(path, removed.back()));
        {
            std::lock_guard lock(mutex_);
            segments_.pop_front();
        }
        TM_FAILPOINT("trim.mid");
    }
    if (removed.empty()) return {};
    TM_TRY(files_.syncDirectory(directory_));
    for (const auto& path : removed) TM_TRY(files_.unlinkGradually(path));
    return {};
}

}  // namespace tidemill::recovery
