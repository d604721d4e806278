// Splitting text at a character, as Python's str.split(separator) does: empty words stay.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "core/chunk.h"

namespace tidemill::python {

// Calls take(word) for each word of a line; at least once.
template <class Take>
void splitLineAt(std::string_view line, char separator, Take&& take) {
    while (true) {
        const auto found = line.find(separator);
        take(line.substr(0, found));
        if (found == line.npos) return;
        line.remove_prefix(found + 1);
    }
}

// Of 64 bytes: which are one of the two.
inline std::uint64_t placesOf(const char* bytes, char one, char other) {
    std::uint64_t places = 0;
#if defined(__SSE2__)
    const __m128i first = _mm_set1_epi8(one);
    const __m128i second = _mm_set1_epi8(other);
    for (int part = 0; part < 4; ++part) {
        const __m128i block =
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + std::ptrdiff_t{16} * part));
        const __m128i equal =
            _mm_or_si128(_mm_cmpeq_epi8(block, first), _mm_cmpeq_epi8(block, second));
        places |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(equal)))
                  << (16 * part);
    }
#else
    for (int i = 0; i < 64; ++i) places |= std::uint64_t{bytes[i] == one || bytes[i] == other} << i;
#endif
    return places;
}

// Calls take(span of words) for the words of whole lines, each ended by '\n', of which the last
// one may lack it; one '\r' before a '\n' belongs to the line's end.
template <class Take>
void splitTextAt(std::string_view text, char separator, Take&& take) {
    std::array<std::string_view, core::kChunkElements> words;
    std::size_t count = 0;
    const char* begin = text.data();
    const char* const end = begin + text.size();
    const auto add = [&](const char* at) {
        std::string_view word(begin, static_cast<std::size_t>(at - begin));
        if (*at == '\n' && !word.empty() && word.back() == '\r') word.remove_suffix(1);
        words[count++] = word;
        begin = at + 1;
    };
    const auto handOn = [&] {
        if (count != 0) take(std::span<std::string_view>(words.data(), count));
        count = 0;
    };
    const char* at = begin;
    for (; end - at >= 64; at += 64) {
        if (count + 64 > words.size()) handOn();
        for (std::uint64_t places = placesOf(at, separator, '\n'); places != 0;
             places &= places - 1)
            add(at + std::countr_zero(places));
    }
    if (count + 64 > words.size()) handOn();
    for (; at != end; ++at)
        if (*at == separator || *at == '\n') add(at);
    if (!text.empty() && text.back() != '\n') {
        words[count++] = std::string_view(begin, static_cast<std::size_t>(end - begin));
    }
    handOn();
}

}  // namespace tidemill::python
