// Cutting a record at each occurrence of one byte, or at runs of blanks, sixteen bytes at a time
// where the processor can.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/split_words.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tidemill::rows {

// Where 16 bytes are equal to a byte: bit i for byte i.
#if defined(__SSE2__)
class ByteMask {
public:
    explicit ByteMask(const char* at)
        : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))) {}
    unsigned of(char c) const {
        return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(c))));
    }
    unsigned ofDigits() const {
        const __m128i values = _mm_sub_epi8(bytes_, _mm_set1_epi8('0'));
        return static_cast<unsigned>(
            _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values)));
    }
    // ASCII whitespace: space and bytes 9 ... 13.
    unsigned ofBlanks() const {
        const __m128i shifted = _mm_sub_epi8(bytes_, _mm_set1_epi8(9));
        const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(4)), shifted);
        const __m128i spaces = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8(' '));
        return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(controls, spaces)));
    }

private:
    __m128i bytes_;
};
#else
class ByteMask {
public:
    explicit ByteMask(const char* at) : at_(at) {}
    unsigned of(char c) const {
        unsigned mask = 0;
        for (unsigned i = 0; i < 16; ++i) mask |= static_cast<unsigned>(at_[i] == c) << i;
        return mask;
    }
    unsigned ofDigits() const {
        unsigned mask = 0;
        for (unsigned i = 0; i < 16; ++i)
            mask |= static_cast<unsigned>(at_[i] >= '0' && at_[i] <= '9') << i;
        return mask;
    }
    unsigned ofBlanks() const {
        unsigned mask = 0;
        for (unsigned i = 0; i < 16; ++i)
            mask |= static_cast<unsigned>(core::isAsciiSpace(at_[i])) << i;
        return mask;
    }

private:
    const char* at_;
};
#endif

// Calls each(mask, at, size) for the bytes of `record` in pieces of up to 16: bit i of the mask
// that maskOf(ByteMask) gave stands for at[i], bits from `size` on are 0; nothing outside of the
// record is read. Stops when `each` answers false.
template <class MaskOf, class Each>
inline void forEachPiece(std::string_view record, MaskOf&& maskOf, Each&& each) {
    constexpr std::size_t kPiece = 16;
    const char* at = record.data();
    const char* const end = at + record.size();
    for (; static_cast<std::size_t>(end - at) >= kPiece; at += kPiece)
        if (!each(maskOf(ByteMask(at)), at, kPiece)) return;
    const auto left = static_cast<std::size_t>(end - at);
    if (left == 0) return;
    if (record.size() >= kPiece) {
        // The last sixteen bytes again, without those that have had their turn.
        each(maskOf(ByteMask(end - kPiece)) >> (kPiece - left), at, left);
        return;
    }
    char padded[kPiece] = {};
    for (std::size_t i = 0; i < left; ++i) padded[i] = at[i];
    each(maskOf(ByteMask(padded)) & ((1U << left) - 1), at, left);
}

// Writes the first `most` (at least 1) parts of `record` to `parts` and returns their number.
inline std::size_t cutAtByte(std::string_view record, char separator, std::string_view* parts,
                             std::size_t most) {
    const char* begin = record.data();
    std::size_t count = 0;
    forEachPiece(
        record, [&](const ByteMask& bytes) { return bytes.of(separator); },
        [&](unsigned mask, const char* at, std::size_t) {
            for (; mask != 0; mask &= mask - 1) {
                const char* const end = at + std::countr_zero(mask);
                parts[count] = {begin, static_cast<std::size_t>(end - begin)};
                begin = end + 1;
                if (++count == most) return false;
            }
            return true;
        });
    if (count == most) return count;
    parts[count] = {begin, static_cast<std::size_t>(record.data() + record.size() - begin)};
    return count + 1;
}

// Writes the first `most` (at least 1) words between runs of blanks and returns their number.
inline std::size_t cutAtBlanks(std::string_view record, std::string_view* words, std::size_t most) {
    const char* begin = nullptr;  // of the word that goes on
    std::size_t count = 0;
    forEachPiece(
        record, [](const ByteMask& bytes) { return bytes.ofBlanks(); },
        [&](unsigned blanks, const char* at, std::size_t size) {
            // Where a word begins or has ended.
            const unsigned text = ~blanks & ((1U << size) - 1);
            unsigned changes =
                (text ^ (text << 1 | (begin != nullptr ? 1U : 0U))) & ((1U << size) - 1);
            for (; changes != 0; changes &= changes - 1) {
                const char* const change = at + std::countr_zero(changes);
                if (begin == nullptr) {
                    begin = change;
                    continue;
                }
                words[count] = {begin, static_cast<std::size_t>(change - begin)};
                begin = nullptr;
                if (++count == most) return false;
            }
            return true;
        });
    if (begin != nullptr && count != most) {
        const char* const end = record.data() + record.size();
        words[count++] = {begin, static_cast<std::size_t>(end - begin)};
    }
    return count;
}

}  // namespace tidemill::rows
