// The (key, value) pairs of one pane of a window, as the bytes that are kept of it.
//
// pairs := (u32 length, key bytes, u32 length, value bytes)*, little-endian
#pragma once

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
    core::ByteReader in(bytes);
    std::vector<PanePair> pairs;
    while (in.ok() && !in.finished()) {
        PanePair pair;
        pair.key = in.string(bytes.size());
        pair.value = in.string(bytes.size());
        pairs.push_back(pair);
    }
    if (!in.ok())
        return core::fail(core::ErrorKind::kCorrupt, "the stored pane of a window does not parse");
    return pairs;
}

}  // namespace tidemill::state
