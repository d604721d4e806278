// The (key, value) pairs of one pane of a window, as the bytes that are kept of it, in pieces: a
// pane may hold more than a row should.
//
// piece := (u32 length, key bytes, u32 length, value bytes)*, little-endian
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/byte_codec.h"
#include "core/error.h"

namespace tidemill::state {

// A pair's views hold as long as the bytes it was read from.
struct PanePair {
    std::string_view key;
    std::string_view value;
};

// The same, decoded: while the batch that brought it runs, and when it is read back.
template <class V>
struct PaneEntry {
    std::string_view key;
    V value;
};

inline void appendPanePair(std::string& piece, std::string_view key, std::string_view value) {
    for (const auto bytes : {key, value}) {
        const auto length = static_cast<std::uint32_t>(bytes.size());
        // Stored little-endian, as this machine is.
        piece.append(reinterpret_cast<const char*>(&length), sizeof length);
        piece.append(bytes);
    }
}

// Thread safety: worker-confined.
class PanePairs {
public:
    explicit PanePairs(std::size_t pieceBytesMax = 4 << 20) : pieceBytesMax_(pieceBytesMax) {}

    // A pair that is larger than a piece should be has one of its own.
    void add(std::string_view key, std::string_view value) {
        constexpr std::size_t kLengthsBytes = 8;
        const std::size_t size = key.size() + value.size() + kLengthsBytes;
        if (pieces_.empty() || pieces_.back().size() + size > pieceBytesMax_)
            pieces_.emplace_back();
        appendPanePair(pieces_.back(), key, value);
    }
    bool empty() const { return pieces_.empty(); }
    const std::vector<std::string>& pieces() const { return pieces_; }

private:
    std::size_t pieceBytesMax_;
    std::vector<std::string> pieces_;
};

inline constexpr std::size_t kLikelyPairBytes = 24;

// Calls visit(pair) for each. Errors: kCorrupt.
template <class Visit>
core::Result<> forEachPanePair(std::string_view bytes, Visit visit) {
    constexpr std::size_t kLengthBytes = 4;
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
        visit(pair);
    }
    return {};
}

inline core::Result<std::vector<PanePair>> readPanePairs(std::string_view bytes) {
    std::vector<PanePair> pairs;
    pairs.reserve(bytes.size() / kLikelyPairBytes);
    TM_TRY(forEachPanePair(bytes, [&](const PanePair& pair) { pairs.push_back(pair); }));
    return pairs;
}

// Which of `passes` passes over a pane works on a key.
inline std::size_t scanOf(std::string_view key, std::size_t scans) {
    return scans == 1 ? 0 : std::hash<std::string_view>()(key) % scans;
}

// The pairs of a piece that one of `passes` passes over a pane works on: so many that all of a pass
// fit into memory. Errors: kCorrupt.
inline core::Result<std::string> pairsOfScan(std::string_view piece, std::size_t scans,
                                             std::size_t scan) {
    if (scans == 1) return std::string(piece);
    TM_ASSIGN(const auto pairs, readPanePairs(piece));
    PanePairs chosen(piece.size());
    for (const auto& pair : pairs)
        if (scanOf(pair.key, scans) == scan) chosen.add(pair.key, pair.value);
    return chosen.empty() ? std::string() : chosen.pieces().front();
}

}  // namespace tidemill::state
