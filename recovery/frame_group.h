// Frames that are written to the log together, without a copy of the blocks in them.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/crc32c.h"
#include "recovery/frame.h"

namespace tidemill::recovery {

// What the frames need beside the blocks' bytes lies in one string, the pieces point into both.
// Thread safety: externally synchronized.
class FrameGroup {
public:
    // `framingBytes`: at most so many bytes beside the bodies; `frames`: at most so many are added.
    FrameGroup(std::size_t framingBytes, std::size_t frames) : framingBytesMax_(framingBytes) {
        framing_.reserve(framingBytes);
        pieces_.reserve(3 * frames);
    }

    // `header` without its length, and what follows it: a data block's origin (else empty) and the
    // body, which must stay until the group is written. `seed`: see frameSeed.
    void add(FrameHeader header, std::string_view origin, std::string_view body,
             std::uint32_t seed) {
        const std::size_t start = framing_.size();
        header.payloadBytes = static_cast<std::uint32_t>(origin.size() + body.size());
        encodeFrameHeader(header, framing_);
        framing_ += origin;
        point(start);
        auto crc = core::crc32c(seed, framing_.data() + start, framing_.size() - start);
        crc = core::crc32c(crc, body.data(), body.size());
        if (!body.empty()) pieces_.push_back({const_cast<char*>(body.data()), body.size()});
        const std::size_t end = framing_.size();
        encodeFrameEnd(crc, header.payloadBytes, framing_);
        point(end);
        TM_CHECK(framing_.size() <= framingBytesMax_, "frames need more room than was reserved");
    }

    const std::vector<iovec>& pieces() const { return pieces_; }

private:
    void point(std::size_t from) {
        pieces_.push_back({framing_.data() + from, framing_.size() - from});
    }

    const std::size_t framingBytesMax_;
    std::string framing_;  // never grows past what was reserved: the pieces point into it
    std::vector<iovec> pieces_;
};

}  // namespace tidemill::recovery
