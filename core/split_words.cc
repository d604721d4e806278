#include "core/split_words.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tidemill::core {
namespace {

struct Cursor {
    const char*& next;
    const char* end;
    const char*& wordBegin;
};

// Ends the word at the whitespace at `at`; without a branch, so that short and long words cost
// the same.
inline void endWord(const char*& wordBegin, const char* at, std::string_view* into,
                    std::size_t& count) {
    into[count] = std::string_view(wordBegin, static_cast<std::size_t>(at - wordBegin));
    count += at > wordBegin;
    wordBegin = at + 1;
}

std::size_t nextPortable(Cursor cursor, std::string_view* into, std::size_t capacity) {
    std::size_t count = 0;
    const char* begin = cursor.wordBegin;
    const char* at = cursor.next;
    for (; at != cursor.end && count + 1 < capacity; ++at)
        if (isAsciiSpace(*at)) endWord(begin, at, into, count);
    cursor.next = at;
    cursor.wordBegin = begin;
    return count;
}

#if defined(__x86_64__)
__attribute__((target("avx2,bmi"))) std::size_t nextAvx2(Cursor cursor, std::string_view* into,
                                                         std::size_t capacity) {
    const __m256i space = _mm256_set1_epi8(' ');
    const __m256i nine = _mm256_set1_epi8(9);
    const __m256i four = _mm256_set1_epi8(4);
    std::size_t count = 0;
    const char* begin = cursor.wordBegin;
    const char* at = cursor.next;
    while (at < cursor.end && count + 32 <= capacity) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
        const __m256i shifted = _mm256_sub_epi8(bytes, nine);
        const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(shifted, four), shifted);
        auto mask = static_cast<unsigned>(
            _mm256_movemask_epi8(_mm256_or_si256(control, _mm256_cmpeq_epi8(bytes, space))));
        // What lies behind the text is not part of it.
        if (cursor.end - at < 32) mask &= (1u << (cursor.end - at)) - 1;
        while (mask != 0) {
            endWord(begin, at + __builtin_ctz(mask), into, count);
            mask &= mask - 1;
        }
        at += 32;
    }
    cursor.next = at < cursor.end ? at : cursor.end;
    cursor.wordBegin = begin;
    return count;
}
#endif

using Next = std::size_t (*)(Cursor, std::string_view*, std::size_t);

Next chooseNext() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return nextAvx2;
#endif
    return nextPortable;
}

}  // namespace

std::size_t WordCursor::next(std::span<std::string_view> into) {
    static const Next chosen = chooseNext();
    std::size_t count = 0;
    while (count == 0 && next_ != end_)
        count = chosen({next_, end_, wordBegin_}, into.data(), into.size());
    // The last word may end with the text.
    if (next_ == end_ && wordBegin_ < end_ && count < into.size()) {
        into[count++] = std::string_view(wordBegin_, static_cast<std::size_t>(end_ - wordBegin_));
        wordBegin_ = end_;
    }
    return count;
}

}  // namespace tidemill::core
