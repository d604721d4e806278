// Reading the bytes of blocks back from the segments that they were logged in.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "core/block.h"
#include "core/file_system.h"
#include "recovery/log_uuid.h"
#include "recovery/segment.h"

namespace tidemill::recovery {

// Segments that are open to be read, the last used ones. Thread safety: thread-safe.
class SegmentFiles {
public:
    SegmentFiles(core::FileSystem& files, core::Path directory, LogUuid uuid)
        : files_(files), directory_(std::move(directory)), uuid_(uuid) {}

    const LogUuid& uuid() const { return uuid_; }
    core::Path pathOf(const SegmentName& name) const { return directory_ / toString(name); }
    core::Result<std::shared_ptr<core::File>> open(const SegmentName& name);

private:
    static constexpr std::size_t kOpenMax = 8;

    core::FileSystem& files_;
    const core::Path directory_;
    const LogUuid uuid_;
    std::mutex mutex_;
    std::list<std::pair<SegmentName, std::shared_ptr<core::File>>> open_;  // newest first
};

// The blocks of one segment. Their frames are checked whenever they are read.
class StoredBlocks final : public core::BlockStore {
public:
    StoredBlocks(std::shared_ptr<SegmentFiles> files, SegmentName segment);

    // `offset`: of the block's frame.
    core::Result<> read(const core::Block& block, std::uint64_t offset,
                        core::Buffer& into) const override;

private:
    const std::shared_ptr<SegmentFiles> files_;
    const SegmentName segment_;
    const std::uint32_t seed_;
};

}  // namespace tidemill::recovery
