// Counts line ends. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tidemill::sources {

// How many '\n' are in `bytes`.
inline std::size_t countLineEnds(std::string_view bytes) {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    std::size_t total = 0;
    // Sums of up to 255 in bytes: the inner loop has one form on every vector unit.
    constexpr std::size_t kLanes = 32;
    while (left >= kLanes) {
        std::uint8_t sums[kLanes] = {};
        std::size_t rounds = left / kLanes < 255 ? left / kLanes : 255;
        left -= rounds * kLanes;
        for (; rounds != 0; --rounds, at += kLanes)
            for (std::size_t i = 0; i < kLanes; ++i)
                sums[i] = static_cast<std::uint8_t>(sums[i] + (at[i] == '\n' ? 1 : 0));
        for (std::uint8_t sum : sums) total += sum;
    }
    for (; left != 0; --left, ++at) total += *at == '\n' ? 1 : 0;
    return total;
}

// The first and the last '\n' in [begin, end); null when there is none.
inline const char* firstLineEnd(const char* begin, const char* end) {
    if (begin == end) return nullptr;
    return static_cast<const char*>(
        std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
}
inline const char* lastLineEnd(const char* begin, const char* end) {
    if (begin == end) return nullptr;
    return static_cast<const char*>(::memrchr(begin, '\n', static_cast<std::size_t>(end - begin)));
}

}  // namespace tidemill::sources
