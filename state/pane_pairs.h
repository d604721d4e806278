// The (key, value) pairs of one pane of a window, as the bytes that are kept of it.
//
// pairs := (u32 length, key bytes, u32 length, value bytes)*, little-endian
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_codec.h"
#include "core/error.h"

namespace tidemill::state {

// Thread safety: worker-confined.
class PanePairs {
public:
    void add(std::string_view key, std::string_view value) {
        out_.string(key);
        out_.string(value);
    }
    bool empty() const { return out_.bytes().empty(); }
    const std::string& bytes() const { return out_.bytes(); }

private:
    core::ByteWriter out_;
};

// A pair's views hold as long as the bytes it was read from.
struct PanePair {
    std::string_view key;
    std::string_view value;
};

// Errors: kCorrupt.
inline core::Result<std::vector<PanePair>> readPanePairs(std::string_view bytes) {
    constexpr std::size_t kLengthBytes = 4, kLikelyPairBytes = 24;
    std::vector<PanePair> pairs;
    pairs.reserve(bytes.size() / kLikelyPairBytes);
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    const auto read = [&](std::string_view& into) {
        if (static_cast<std::size_t>(end - at) < kLengthBytes) return false;
        std::uint32_t length;  // stored little-endian, as this machine is
        std::memcpy(&length, at, sizeof length);
        at += kLengthBytes;
        if (static_cast<std::size_t>(end - at) < length) return false;
        into = {at, length};
        at += length;
        return true;
    };
    while (at != end) {
        PanePair pair;
        if (!read(pair.key) || !read(pair.value))
            return core::fail(core::ErrorKind::kCorrupt,
                              "the stored pane of a window does not parse");
        pairs.push_back(pair);
    }
    return pairs;
}

}  // namespace tidemill::state
