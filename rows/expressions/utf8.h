// Characters of texts. A byte that continues no character counts as none: texts that are not UTF-8
// have fewer characters than bytes, and are cut between characters all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidemill::rows::expressions {

inline bool isContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

inline bool isAscii(std::string_view text) {
    unsigned char bits = 0;
    for (const char c : text) bits |= static_cast<unsigned char>(c);
    return bits < 0x80;
}

inline std::size_t characterCount(std::string_view text) {
    std::size_t count = 0;
    for (const char c : text) count += !isContinuation(c);
    return count;
}

// Where the character begins that `count` characters are before; the size when there are fewer.
inline std::size_t offsetOf(std::string_view text, std::size_t count) {
    if (count == 0) return 0;
    if (count > text.size()) return text.size();
    std::size_t at = 0;
    while (at < text.size()) {
        if (!isContinuation(text[at])) {
            if (count == 0) break;
            --count;
        }
        ++at;
    }
    return at;
}

// Behind the character that begins at `at`.
inline std::size_t nextCharacter(std::string_view text, std::size_t at) {
    ++at;
    while (at < text.size() && isContinuation(text[at])) ++at;
    return at;
}

}  // namespace tidemill::rows::expressions
