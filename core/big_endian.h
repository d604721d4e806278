// Numbers as bytes, the most significant first, so that the order of the bytes is that of the
// numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tidemill::core {

template <class Bits>
void storeBigEndian(Bits bits, char* to) {
    for (std::size_t i = 0; i < sizeof(Bits); ++i)
        to[i] = static_cast<char>(bits >> (8 * (sizeof(Bits) - 1 - i)));
}

template <class Bits>
void appendBigEndian(Bits bits, std::string& out) {
    char bytes[sizeof(Bits)];
    storeBigEndian(bits, bytes);
    out.append(bytes, sizeof bytes);
}

// Needs sizeof(Bits) bytes.
template <class Bits>
Bits loadBigEndian(const char* from) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Bits); ++i)
        value = value << 8 | static_cast<unsigned char>(from[i]);
    return static_cast<Bits>(value);
}

// Removes a number from the front of `bytes`; false when they are too short.
template <class Bits>
bool takeBigEndian(std::string_view& bytes, Bits& bits) {
    if (bytes.size() < sizeof(Bits)) return false;
    bits = loadBigEndian<Bits>(bytes.data());
    bytes.remove_prefix(sizeof(Bits));
    return true;
}

}  // namespace tidemill::core
