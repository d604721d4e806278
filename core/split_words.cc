// Sixty-four bytes become one mask of whitespace, from which follow the masks of first bytes of
// words and of first bytes behind words. What paid (bench/inner_loops.cc): words are written in
// fixed batches without asking how many there are, because the number of words in a few bytes is
// what a processor predicts worst. Byte by byte 59 million words/s, AVX2 390, AVX-512 480.
#include "core/split_words.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the undefined registers in its own headers for a mistake of ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace tidemill::core {

// The inner loops, which work on a cursor's members.
struct WordSplit {
    static constexpr std::size_t kBlockBytes = 64;
    // At most 32 words end in a block and one batch more is written behind them.
    static constexpr std::size_t kRoomWords = 1 + 32 + 8;

    // Byte by byte, for any processor.
    static std::size_t portable(WordCursor& cursor, std::span<std::string_view> into) {
        std::size_t count = 0;
        const char* at = cursor.next_;
        const char* begin = cursor.wordBegin_;
        for (; at != cursor.end_ && count != into.size(); ++at) {
            if (!isAsciiSpace(*at)) {
                if (begin == nullptr) begin = at;
            } else if (begin != nullptr) {
                into[count++] = {begin, static_cast<std::size_t>(at - begin)};
                begin = nullptr;
            }
        }
        if (at == cursor.end_ && begin != nullptr && count != into.size()) {
            into[count++] = {begin, static_cast<std::size_t>(at - begin)};
            begin = nullptr;
        }
        cursor.next_ = at;
        cursor.wordBegin_ = begin;
        return count;
    }

#if defined(__x86_64__)
    // The words that end in one block: where its words begin, and where they end. A word that
    // began before it comes first.
    struct Block {
        const char* base;
        const char* firstBegin;
        std::uint64_t begins;  // without the first one's
        std::uint64_t ends;    // without the first one's
        std::size_t count;     // 0: all else means nothing
        std::uint64_t firstEnd;
    };

    // A word that goes up to the very end is ended by one more block, of spaces alone.
    static bool hasMore(const WordCursor& cursor) {
        return cursor.next_ != cursor.end_ || cursor.wordBegin_ != nullptr;
    }

    // The next block's bytes; a last short one is filled up with spaces, so that its last word
    // ends with it.
    static const char* bytesOfBlock(WordCursor& cursor, char (&tail)[kBlockBytes]) {
        const auto left = static_cast<std::size_t>(cursor.end_ - cursor.next_);
        if (left >= kBlockBytes) [[likely]]
            return cursor.next_;
        std::memset(tail, ' ', sizeof tail);
        if (left != 0) std::memcpy(tail, cursor.next_, left);
        return tail;
    }

    __attribute__((target("avx2,bmi,bmi2,popcnt"), always_inline)) static inline Block blockOf(
        WordCursor& cursor, std::uint64_t spaces) {
        Block block;
        const std::uint64_t text = ~spaces;
        const bool isInWord = cursor.wordBegin_ != nullptr;
        const std::uint64_t behindText = text << 1 | std::uint64_t{isInWord};
        const std::uint64_t begins = text & ~behindText;
        const std::uint64_t ends = spaces & behindText;
        block.base = cursor.next_;
        block.count = static_cast<std::size_t>(_mm_popcnt_u64(ends));
        block.firstBegin = isInWord ? cursor.wordBegin_
                                    : block.base + static_cast<std::size_t>(_tzcnt_u64(begins));
        block.begins = isInWord ? begins : _blsr_u64(begins);
        block.firstEnd = _tzcnt_u64(ends);
        block.ends = _blsr_u64(ends);
        // The last byte is text: its word goes on, and began here unless nothing did.
        const char* const last = block.base + (63 - __builtin_clzll(begins | 1));
        const char* const open = begins != 0 ? last : cursor.wordBegin_;
        cursor.wordBegin_ = static_cast<std::int64_t>(text) < 0 ? open : nullptr;
        return block;
    }

    static void advance(WordCursor& cursor) {
        const auto left = static_cast<std::size_t>(cursor.end_ - cursor.next_);
        cursor.next_ += left < kBlockBytes ? left : kBlockBytes;
    }

    __attribute__((target("avx2,bmi,bmi2,popcnt"), always_inline)) static inline std::uint32_t
    spacesOf32(const char* at) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
        const __m256i shifted = _mm256_sub_epi8(bytes, _mm256_set1_epi8(9));
        const __m256i control =
            _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, _mm256_set1_epi8(4)), shifted);
        const __m256i space = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' '));
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(control, space)));
    }

    __attribute__((target("avx2,bmi,bmi2,popcnt"))) static std::size_t avx2(
        WordCursor& shared, std::span<std::string_view> into) {
        WordCursor cursor = shared;
        std::size_t count = 0;
        char tail[kBlockBytes];
        while (hasMore(cursor) && count + kRoomWords <= into.size()) {
            const char* const bytes = bytesOfBlock(cursor, tail);
            Block block =
                blockOf(cursor, std::uint64_t{spacesOf32(bytes + 32)} << 32 | spacesOf32(bytes));
            advance(cursor);
            if (block.count == 0) continue;
            std::string_view* word = into.data() + count;
            *word++ = {block.firstBegin,
                       static_cast<std::size_t>(block.base + block.firstEnd - block.firstBegin)};
            for (std::size_t written = 1; written < block.count; written += 8) {
                for (int i = 0; i < 8; ++i) {
                    const std::uint64_t begin = _tzcnt_u64(block.begins);
                    *word++ = {block.base + begin, _tzcnt_u64(block.ends) - begin};
                    block.begins = _blsr_u64(block.begins);
                    block.ends = _blsr_u64(block.ends);
                }
            }
            count += block.count;
        }
        shared = cursor;
        return count;
    }

#if defined(__GLIBCXX__)
#define TIDEMILL_HAS_AVX512_SPLIT 1
    static_assert(sizeof(std::string_view) == 16, "a view is a size and a pointer");

    // Eight words at a time: begins and ends are compressed out of the masks as byte offsets.
    __attribute__((
        target("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512vbmi2"))) static std::size_t
    avx512(WordCursor& shared, std::span<std::string_view> into) {
        alignas(64) static constexpr std::uint8_t kOffsets[64] = {
            0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
            22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
            44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
        const __m512i offsets = _mm512_load_si512(kOffsets);
        const __m512i lowPairs = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
        const __m512i highPairs = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
        WordCursor cursor = shared;
        std::size_t count = 0;
        char tail[kBlockBytes];
        while (hasMore(cursor) && count + kRoomWords <= into.size()) {
            const __m512i bytes = _mm512_loadu_si512(bytesOfBlock(cursor, tail));
            const std::uint64_t spaces =
                _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(' ')) |
                _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(9)),
                                       _mm512_set1_epi8(5));
            const Block block = blockOf(cursor, spaces);
            advance(cursor);
            if (block.count == 0) continue;
            std::string_view* word = into.data() + count;
            *word++ = {block.firstBegin,
                       static_cast<std::size_t>(block.base + block.firstEnd - block.firstBegin)};
            __m512i begins = _mm512_maskz_compress_epi8(block.begins, offsets);
            __m512i ends = _mm512_maskz_compress_epi8(block.ends, offsets);
            const __m512i base = _mm512_set1_epi64(reinterpret_cast<long long>(block.base));
            for (std::size_t written = 1; written < block.count; written += 8, word += 8) {
                const __m512i begin = _mm512_cvtepu8_epi64(_mm512_castsi512_si128(begins));
                const __m512i end = _mm512_cvtepu8_epi64(_mm512_castsi512_si128(ends));
                const __m512i size = _mm512_sub_epi64(end, begin);
                const __m512i data = _mm512_add_epi64(base, begin);
                _mm512_storeu_si512(word, _mm512_permutex2var_epi64(size, lowPairs, data));
                _mm512_storeu_si512(word + 4, _mm512_permutex2var_epi64(size, highPairs, data));
                begins = _mm512_alignr_epi64(begins, begins, 1);
                ends = _mm512_alignr_epi64(ends, ends, 1);
            }
            count += block.count;
        }
        shared = cursor;
        return count;
    }
#endif
#endif
};

WordSplitters wordSplitters() {
    WordSplitters splitters{WordSplit::portable, nullptr, nullptr};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt")) {
        splitters.avx2 = WordSplit::avx2;
#if defined(TIDEMILL_HAS_AVX512_SPLIT)
        if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512vbmi2"))
            splitters.avx512 = WordSplit::avx512;
#endif
    }
#endif
    return splitters;
}

std::size_t WordCursor::next(std::span<std::string_view> into) {
    static const WordSplitter chosen = [] {
        const WordSplitters splitters = wordSplitters();
        if (splitters.avx512 != nullptr) return splitters.avx512;
        return splitters.avx2 != nullptr ? splitters.avx2 : splitters.portable;
    }();
    // Blocks of nothing but whitespace give nothing.
    while (next_ != end_ || wordBegin_ != nullptr) {
        if (const std::size_t count = chosen(*this, into)) return count;
    }
    return 0;
}

}  // namespace tidemill::core
