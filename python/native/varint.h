// Numbers in as few bytes as they need: seven bits a byte, the lowest first, the high bit set in
// all but the last.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemill::python {

inline void appendVarint(std::string& out, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
    out.push_back(static_cast<char>(number));
}

// Takes one from the beginning of `bytes`; false when there is none.
inline bool takeVarint(std::string_view& bytes, std::uint64_t& number) {
    number = 0;
    for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        number |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) return true;
    }
    return false;
}

}  // namespace tidemill::python
