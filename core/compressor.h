// Makes gzip or zstd of bytes that come piece by piece, in bounded memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/compression.h"

namespace tidemill::core {

// The same bytes become the same, with the same library; no time and no name is in them.
// Thread safety: externally synchronized.
class Compressor {
public:
    // Requires: not kNone. Throws std::bad_alloc.
    static std::unique_ptr<Compressor> make(Compression compression);
    virtual ~Compressor() = default;

    // Appends what comes of `bytes` so far.
    virtual void take(std::string_view bytes, std::string& out) = 0;
    // Appends the end of the member or frame. What follows begins another; readers take both for
    // one text.
    virtual void finish(std::string& out) = 0;
};

}  // namespace tidemill::core
