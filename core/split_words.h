// Splitting text at runs of ASCII whitespace: space and bytes 9 … 13.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "core/chunk.h"

namespace tidemill::core {

inline bool isAsciiSpace(char c) {
    return c == ' ' || static_cast<unsigned char>(c - 9) < 5;
}

// Calls take(word) for each word of a line.
template <class Take>
void splitLine(std::string_view line, Take&& take) {
    const char* next = line.data();
    const char* const end = next + line.size();
    while (true) {
        while (next != end && isAsciiSpace(*next)) ++next;
        if (next == end) return;
        const char* const begin = next;
        while (next != end && !isAsciiSpace(*next)) ++next;
        take(std::string_view(begin, static_cast<std::size_t>(next - begin)));
    }
}

// Walks a text word by word, 32 bytes at a time where the processor can.
// Thread safety: worker-confined.
class WordCursor {
public:
    // `text` has 64 readable bytes behind it.
    explicit WordCursor(std::string_view text)
        : next_(text.data()), end_(text.data() + text.size()), wordBegin_(text.data()) {}

    // Writes the next words, as many as `into` (at least 64) safely holds; 0 at the end.
    std::size_t next(std::span<std::string_view> into);

private:
    const char* next_;
    const char* end_;
    const char* wordBegin_;
};

// Calls take(span of words) until `text` is used up; `text` has 64 readable bytes behind it.
template <class Take>
void splitText(std::string_view text, Take&& take) {
    std::array<std::string_view, kChunkElements> words;
    WordCursor cursor(text);
    while (const std::size_t count = cursor.next(words))
        take(std::span<std::string_view>(words.data(), count));
}

}  // namespace tidemill::core
