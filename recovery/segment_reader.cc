#include "recovery/segment_reader.h"

#include <algorithm>
#include <cstring>

#include "core/byte_codec.h"
#include "core/check.h"
#include "core/crc32c.h"
#include "core/mutant.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;

constexpr std::size_t kWindowBytes = 1 << 20;

constexpr std::size_t kZeroRunBytes = 4 << 10;

// Bytes of the zero words that `bytes` begins with; `size` when nothing else is there.
std::size_t zeroWords(const char* bytes, std::size_t size) {
    std::size_t at = 0;
    for (; at + kFrameAlignment <= size; at += kFrameAlignment) {
        std::uint64_t word;
        std::memcpy(&word, bytes + at, sizeof word);
        if (word != 0) return at;
    }
    for (std::size_t i = at; i < size; ++i)
        if (bytes[i] != 0) return at;
    return size;
}

std::string place(const core::Path& path, std::uint64_t offset) {
    return " file=" + path.string() + " offset=" + std::to_string(offset);
}

}  // namespace

core::Result<std::unique_ptr<SegmentReader>> SegmentReader::open(core::FileSystem& files,
                                                                 const core::Path& directory,
                                                                 const SegmentName& name,
                                                                 const LogUuid& uuid) {
    const auto path = directory / toString(name);
    TM_ASSIGN(auto file, files.open(path, core::OpenMode::kRead));
    TM_ASSIGN(const auto size, file->sizeBytes());
    char bytes[kSegmentHeaderBytes];
    TM_ASSIGN(const auto got, file->readAt(0, bytes, sizeof bytes));
    auto header = decodeSegmentHeader({bytes, got});
    if (!header)
        return core::fail(header.error().kind, header.error().message + " file=" + path.string());
    if (header->uuid != uuid)
        return core::fail(ErrorKind::kCorrupt,
                          "segment belongs to another log: file=" + path.string() +
                              " log=" + toString(header->uuid) + " expected=" + toString(uuid));
    if (header->firstLsn != name.firstLsn || header->epoch != name.epoch)
        return core::fail(ErrorKind::kCorrupt,
                          "segment was misnamed: file=" + path.string() +
                              " header=" + toString(SegmentName{header->firstLsn, header->epoch}));
    std::unique_ptr<SegmentReader> reader(new SegmentReader(std::move(file), path, size));
    reader->header_ = *header;
    reader->seed_ = frameSeed(uuid, header->epoch);
    reader->last_ = core::Lsn(header->firstLsn.value - 1);
    return reader;
}

void SegmentReader::seek(std::uint64_t offset, core::Lsn lsn) {
    offset_ = offset;
    last_ = core::Lsn(lsn.value - 1);
}

core::Result<const char*> SegmentReader::view(std::uint64_t offset, std::size_t length) {
    TM_CHECK(offset + length <= sizeBytes_, "a segment is read behind its end");
    if (offset < windowOffset_ || offset + length > windowOffset_ + windowBytes_) {
        const auto wanted =
            std::min<std::uint64_t>(std::max(length, kWindowBytes), sizeBytes_ - offset);
        // A single large frame must not pin its size for the rest of the scan.
        if (window_.size() < wanted ||
            window_.size() > 4 * std::max<std::size_t>(wanted, kWindowBytes)) {
            window_.clear();
            window_.shrink_to_fit();
            window_.resize(wanted);
        }
        TM_ASSIGN(const auto got, file_->readAt(offset, window_.data(), wanted));
        // The file may have been cut by its owner while we inspect it; what is gone reads as zeros.
        std::fill(window_.begin() + static_cast<std::ptrdiff_t>(got),
                  window_.begin() + static_cast<std::ptrdiff_t>(wanted), '\0');
        windowOffset_ = offset;
        windowBytes_ = wanted;
    }
    return window_.data() + (offset - windowOffset_);
}

core::Result<bool> SegmentReader::frameAt(std::uint64_t offset, Frame& frame, std::string* why) {
    const auto no = [&](const std::string& reason) {
        if (why != nullptr) *why = reason;
        return false;
    };
    if (sizeBytes_ - offset < kFrameHeaderBytes) return no("frame header is cut short");
    TM_ASSIGN(const auto* bytes, view(offset, kFrameHeaderBytes));
    const auto header = decodeFrameHeader(bytes);
    if (!header) return no("no frame header");
    if (header->lsn <= last_)
        return no("frame repeats an LSN: lsn=" + toString(header->lsn) +
                  " after=" + toString(last_));
    if (frameBytes(header->payloadBytes) > sizeBytes_ - offset)
        return no("frame is longer than its segment: payload bytes=" +
                  std::to_string(header->payloadBytes));
    const auto checked = kFrameHeaderBytes + header->payloadBytes;
    TM_ASSIGN(bytes, view(offset, checked + kFrameChecksumBytes));
    const auto actual = core::crc32c(seed_, bytes, checked);
    const auto expected = core::ByteReader({bytes + checked, kFrameChecksumBytes}).u32();
    if (actual != expected && !TM_MUTANT(checksum_not_checked))
        return no("wal frame checksum mismatch: lsn=" + toString(header->lsn) +
                  " expected=" + std::to_string(expected) + " actual=" + std::to_string(actual));
    frame = Frame{*header, offset, {bytes + kFrameHeaderBytes, header->payloadBytes}};
    return true;
}

core::Result<SegmentReader::Step> SegmentReader::next() {
    Step step;
    if (offset_ >= sizeBytes_) return step;
    TM_ASSIGN(const bool found, frameAt(offset_, step.frame, nullptr));
    if (!found) return stepOverDamage();
    step.kind = Step::Kind::kFrame;
    offset_ = step.frame.endOffset();
    last_ = step.frame.header.lsn;
    return step;
}

core::Result<SegmentReader::Step> SegmentReader::stepOverDamage() {
    Step step;
    step.damage.offset = offset_;
    Frame frame;
    TM_ASSIGN(const bool unexpected, frameAt(offset_, frame, &step.damage.what));
    TM_CHECK(!unexpected, "a frame was read and then was none");
    step.damage.what += place(path_, offset_);
    std::uint64_t nonZeroEnd = 0;
    bool found = false;
    std::uint64_t at = offset_;
    while (at < sizeBytes_) {
        const auto here = std::min<std::uint64_t>(kZeroRunBytes, sizeBytes_ - at);
        TM_ASSIGN(const auto* bytes, view(at, here));
        // Length and type of a frame are never both zero, so zeros are passed over quickly.
        const auto zeros = zeroWords(bytes, here);
        at += zeros;
        if (zeros == here) continue;
        if (at != offset_) {
            TM_ASSIGN(found, frameAt(at, frame, nullptr));
            if (found) break;
        }
        nonZeroEnd = std::min(at + kFrameAlignment, sizeBytes_);
        at += kFrameAlignment;
    }
    if (!found && nonZeroEnd == 0) {
        offset_ = sizeBytes_;
        return step;
    }
    step.kind = Step::Kind::kDamage;
    step.damage.atEnd = !found;
    step.damage.endOffset = found ? at : nonZeroEnd;
    offset_ = found ? at : sizeBytes_;
    return step;
}

}  // namespace tidemill::recovery
