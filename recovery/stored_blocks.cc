#include "recovery/stored_blocks.h"

#include <string>

#include "core/byte_codec.h"
#include "core/crc32c.h"
#include "recovery/frame.h"

namespace tidemill::recovery {

core::Result<std::shared_ptr<core::File>> SegmentFiles::open(const SegmentName& name) {
    std::lock_guard lock(mutex_);
    for (auto found = open_.begin(); found != open_.end(); ++found) {
        if (found->first != name) continue;
        open_.splice(open_.begin(), open_, found);
        return found->second;
    }
    TM_ASSIGN(auto file, files_.open(pathOf(name), core::OpenMode::kRead));
    if (open_.size() == kOpenMax) open_.pop_back();
    open_.emplace_front(name, std::move(file));
    return open_.front().second;
}

StoredBlocks::StoredBlocks(std::shared_ptr<SegmentFiles> files, SegmentName segment)
    : files_(std::move(files)),
      segment_(segment),
      seed_(frameSeed(files_->uuid(), segment.epoch)) {}

core::Result<> StoredBlocks::read(const core::Block& block, std::uint64_t offset,
                                  core::Buffer& into) const {
    const auto damaged = [&](const std::string& what) {
        return core::fail(
            core::ErrorKind::kIo,
            "a block that was logged cannot be read back: " + what +
                ": lsn=" + toString(block.lsn()) + " file=" + files_->pathOf(segment_).string() +
                " offset=" + std::to_string(offset) + "; start again: the log is examined then");
    };
    TM_ASSIGN(const auto file, files_->open(segment_));
    std::string head(kFrameHeaderBytes + blockOriginBytes(block.origin()), '\0');
    TM_ASSIGN(auto got, file->readAt(offset, head.data(), head.size()));
    if (got != head.size()) return damaged("its frame is cut short");
    const auto header = decodeFrameHeader(head.data());
    const auto payloadBytes = head.size() - kFrameHeaderBytes + block.sizeBytes();
    if (!header || header->type != FrameType::kData || header->lsn != block.lsn() ||
        header->payloadBytes != payloadBytes)
        return damaged("its frame is not there");
    const auto bodyOffset = offset + head.size();
    TM_ASSIGN(got, file->readAt(bodyOffset, into.data(), block.sizeBytes()));
    if (got != block.sizeBytes()) return damaged("its frame is cut short");
    char end[kFrameChecksumBytes];
    TM_ASSIGN(got, file->readAt(bodyOffset + block.sizeBytes(), end, sizeof end));
    if (got != sizeof end) return damaged("its frame is cut short");
    const auto expected = core::ByteReader({end, sizeof end}).u32();
    const auto actual =
        core::crc32c(core::crc32c(seed_, head.data(), head.size()), into.data(), block.sizeBytes());
    if (actual != expected)
        return damaged("checksum mismatch, expected=" + std::to_string(expected) +
                       " actual=" + std::to_string(actual));
    return {};
}

}  // namespace tidemill::recovery
