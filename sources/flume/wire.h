// Reading numbers and texts as Avro and Thrift's compact protocol write them. Private to
// sources/flume/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::sources::flume {

// Past the end, or at what cannot be, every read gives zero and ok() is false from then on. Views
// are into the bytes read from. Thread safety: externally synchronized.
class WireReader {
public:
    explicit WireReader(std::string_view bytes) : bytes_(bytes) {}

    std::uint8_t byte() {
        const auto one = raw(1);
        return one.empty() ? 0 : static_cast<std::uint8_t>(one.front());
    }
    // Seven bits a byte, the lowest first, in at most `bitsMax` bits.
    std::uint64_t varint(unsigned bitsMax = 64) {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < bitsMax; shift += 7) {
            const std::uint64_t next = byte();
            const auto bits = next & 0x7f;
            if (shift + 7 > bitsMax && bits >> (bitsMax - shift) != 0) break;
            value |= bits << shift;
            if (next < 0x80) return ok_ ? value : 0;
        }
        ok_ = false;
        return 0;
    }
    // 0, -1, 1, -2 are written as 0, 1, 2, 3.
    std::int64_t zigzag(unsigned bitsMax = 64) {
        const auto value = varint(bitsMax);
        return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }
    std::string_view raw(std::uint64_t size) {
        if (!ok_ || size > bytes_.size()) {
            ok_ = false;
            return {};
        }
        const auto taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }
    void fail() { ok_ = false; }

    std::size_t left() const { return bytes_.size(); }
    bool ok() const { return ok_; }
    bool finished() const { return ok_ && bytes_.empty(); }

private:
    std::string_view bytes_;
    bool ok_ = true;
};

inline std::uint32_t bigEndian(std::string_view four) {
    std::uint32_t value = 0;
    for (const char c : four) value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

inline void appendBigEndian(std::string& bytes, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

inline void appendVarint(std::string& bytes, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
    bytes += static_cast<char>(value);
}

// Fills `into` to `size` bytes from the front of `bytes`; true: it is full.
inline bool fill(std::string& into, std::size_t size, std::string_view& bytes) {
    const auto taken = bytes.substr(0, size - into.size());
    into += taken;
    bytes.remove_prefix(taken.size());
    return into.size() == size;
}

// Memory of a connection that is kept for its next request; more than that is given back.
inline constexpr std::size_t kKeptBytes = 16 << 10;
inline void clear(std::string& bytes) {
    if (bytes.capacity() > kKeptBytes) std::string().swap(bytes);
    bytes.clear();
}
inline std::size_t heldBytes(const std::string& bytes) {
    return bytes.capacity() > kKeptBytes ? bytes.capacity() : 0;
}

inline tl::unexpected<core::Error> refused(std::string why) {
    return core::fail(core::ErrorKind::kInvalid, std::move(why));
}

}  // namespace tidemill::sources::flume
