// Reads one segment frame by frame, past damage too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_system.h"
#include "recovery/frame.h"
#include "recovery/segment.h"

namespace tidemill::recovery {

// Bytes that are no frame. A write that was cut short looks the same; whether anything is lost
// is known only to who knows which LSNs must be there.
struct Damage {
    std::uint64_t offset = 0;
    std::uint64_t endOffset = 0;
    std::string what;
    bool atEnd = false;  // no frame follows in the segment
};

struct Frame {
    FrameHeader header;
    std::uint64_t offset = 0;
    std::string_view payload;
    std::uint64_t endOffset() const { return offset + frameBytes(payload.size()); }
};

// Memory: the largest frame, or 1 MiB. Thread safety: worker-confined.
class SegmentReader {
public:
    // Errors: kNotFound, kIo; kCorrupt (the header is damaged, or not that of this name in this
    // log); kUnsupported.
    static core::Result<std::unique_ptr<SegmentReader>> open(core::FileSystem& files,
                                                             const core::Path& directory,
                                                             const SegmentName& name,
                                                             const LogUuid& uuid);

    struct Step {
        enum class Kind { kFrame, kDamage, kEnd } kind = Kind::kEnd;
        Frame frame;  // kFrame; its payload is valid until the next call
        Damage damage;
    };

    // The next frame, or the damage before it, or the end: nothing but zeros follows. LSNs ascend.
    core::Result<Step> next();

    // Goes on reading at a frame with LSN `lsn`.
    void seek(std::uint64_t offset, core::Lsn lsn);

    const SegmentHeader& header() const { return header_; }
    const core::Path& path() const { return path_; }
    std::uint64_t sizeBytes() const { return sizeBytes_; }

private:
    SegmentReader(std::unique_ptr<core::File> file, core::Path path, std::uint64_t sizeBytes)
        : file_(std::move(file)), path_(std::move(path)), sizeBytes_(sizeBytes) {}

    // `length` bytes at `offset`, which lie inside the file.
    core::Result<const char*> view(std::uint64_t offset, std::size_t length);
    core::Result<bool> frameAt(std::uint64_t offset, Frame& frame, std::string* why);
    core::Result<Step> stepOverDamage();

    std::unique_ptr<core::File> file_;
    core::Path path_;
    std::uint64_t sizeBytes_;
    SegmentHeader header_;
    std::uint32_t seed_ = 0;
    std::uint64_t offset_ = kSegmentHeaderBytes;
    core::Lsn last_;
    std::vector<char> window_;
    std::uint64_t windowOffset_ = 0;
    std::size_t windowBytes_ = 0;
};

}  // namespace tidemill::recovery
