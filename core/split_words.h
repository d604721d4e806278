// Splitting text at runs of ASCII whitespace: space and bytes 9 … 13.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "core/chunk.h"

namespace tidemill::core {

inline bool isAsciiSpace(char c) { return c == ' ' || static_cast<unsigned char>(c - 9) < 5; }

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

// Walks a text word by word, 64 bytes at a time where the processor can.
// Thread safety: worker-confined.
class WordCursor {
public:
    // The smallest array that next() fills.
    static constexpr std::size_t kWordsMin = 64;

    // Nothing outside `text` is read.
    explicit WordCursor(std::string_view text)
        : next_(text.data()), end_(text.data() + text.size()) {}

    // Writes the next words, as many as `into` (at least kWordsMin) safely holds, and returns their
    // number; 0 at the end. What lies behind them in `into` may be overwritten.
    std::size_t next(std::span<std::string_view> into);

private:
    friend struct WordSplit;
    const char* next_;
    const char* end_;
    const char* wordBegin_ = nullptr;  // of the word that began before next_, else null
};

// Calls take(span of words) until `text` is used up.
template <class Take>
void splitText(std::string_view text, Take&& take) {
    std::array<std::string_view, kChunkElements> words;
    WordCursor cursor(text);
    while (const std::size_t count = cursor.next(words))
        take(std::span<std::string_view>(words.data(), count));
}

// For tests: the forms of the inner loop; null where the processor or the build has not got it.
using WordSplitter = std::size_t (*)(WordCursor&, std::span<std::string_view>);
struct WordSplitters {
    WordSplitter portable, avx2, avx512;
};
WordSplitters wordSplitters();

}  // namespace tidemill::core
