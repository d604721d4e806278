#include "bench/hand_count.h"

#include <immintrin.h>

#include <cstring>

namespace tidemill::bench {
namespace {

inline std::uint64_t hashOf(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a ^ 0x9E3779B97F4A7C15u} * (b ^ 0xD6E8FEB86659FD93u);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

void HandCount::grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const auto& slot : old) {
        if (slot.count == 0) continue;
        std::size_t i = hashOf(slot.a, slot.b) & mask;
        while (slots_[i].count != 0) i = (i + 1) & mask;
        slots_[i] = slot;
    }
}

inline void HandCount::probeGroup() {
    const std::size_t mask = slots_.size() - 1;
    for (int j = 0; j < groupSize_; ++j) {
        std::size_t i = groupHash_[j] & mask;
        while (true) {
            Slot& slot = slots_[i];
            if (slot.count == 0) {
                slot.a = groupA_[j];
                slot.b = groupB_[j];
                slot.count = 1;
                ++used_;
                break;
            }
            if (slot.a == groupA_[j] && slot.b == groupB_[j]) {
                ++slot.count;
                break;
            }
            i = (i + 1) & mask;
        }
    }
    groupSize_ = 0;
    if (used_ * 2 > slots_.size()) grow();
}

void HandCount::longWord(const char* begin, std::size_t size) {
    for (auto& [known, count] : longWords_)
        if (known.size() == size && std::memcmp(known.data(), begin, size) == 0) {
            ++count;
            return;
        }
    longWords_.emplace_back(std::string(begin, size), 1);
}

inline void HandCount::word(const char* begin, std::size_t size) {
    ++words_;
    if (size > 15) return longWord(begin, size);
    std::uint64_t a = 0, b = 0;
    std::memcpy(&a, begin, 8);
    if (size <= 8) {
        a = size == 8 ? a : a & ((std::uint64_t{1} << (8 * size)) - 1);
    } else {
        std::memcpy(&b, begin + 8, 8);
        b &= (std::uint64_t{1} << (8 * (size - 8))) - 1;
    }
    b |= std::uint64_t{size} << 56;
    groupA_[groupSize_] = a;
    groupB_[groupSize_] = b;
    groupHash_[groupSize_] = hashOf(a, b);
    _mm_prefetch(
        reinterpret_cast<const char*>(&slots_[groupHash_[groupSize_] & (slots_.size() - 1)]),
        _MM_HINT_T0);
    if (++groupSize_ == kGroup) probeGroup();
}

void HandCount::add(char* text, std::size_t sizeBytes) {
    const char* at = text;
    const char* const end = at + sizeBytes;
    const char* begin = at;
    std::memset(text + sizeBytes, ' ', 32);
    while (at < end) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
        auto mask = static_cast<unsigned>(_mm256_movemask_epi8(
            _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' ')),
                            _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\n')))));
        while (mask != 0) {
            const char* space = at + __builtin_ctz(mask);
            mask &= mask - 1;
            if (space > end) space = end;
            if (space > begin) word(begin, static_cast<std::size_t>(space - begin));
            begin = space + 1;
        }
        at += 32;
    }
    if (begin < end) word(begin, static_cast<std::size_t>(end - begin));
    probeGroup();
}

void HandCount::addCharByChar(const char* text, std::size_t sizeBytes) {
    const char* const end = text + sizeBytes;
    while (text < end) {
        const void* found = std::memchr(text, '\n', static_cast<std::size_t>(end - text));
        const char* const lineEnd = found == nullptr ? end : static_cast<const char*>(found);
        const std::string_view line(text, static_cast<std::size_t>(lineEnd - text));
        splitCharByChar(line, [this](std::string_view part) { word(part.data(), part.size()); });
        text = lineEnd + 1;
    }
    probeGroup();
}

void HandCount::forEach(const std::function<void(std::string_view, std::uint64_t)>& take) const {
    for (const auto& slot : slots_)
        if (slot.count != 0)
            take({reinterpret_cast<const char*>(&slot.a), slot.b >> 56}, slot.count);
    for (const auto& [text, count] : longWords_) take(text, count);
}

std::string HandCount::slotBytes() const {
    std::string bytes;
    for (const auto& slot : slots_)
        if (slot.count != 0) bytes.append(reinterpret_cast<const char*>(&slot), 24);
    return bytes;
}

}  // namespace tidemill::bench
