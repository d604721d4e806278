#include "core/key_probe.h"

#include <xxhash.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>

namespace tidemill::core {
namespace {

constexpr std::uintptr_t kPageBytes = 4096;

// The bytes behind a key may be read, not used; sanitizers cannot know that.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TIDEMILL_IS_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TIDEMILL_IS_SANITIZED
#endif
#if defined(TIDEMILL_IS_SANITIZED)
constexpr bool kReadsBehindKeys = false;
#else
constexpr bool kReadsBehindKeys = true;
#endif

static_assert(std::endian::native == std::endian::little,
              "keys are viewed in the bytes of a slot's words");

// 16 bytes may be read at once unless they could cross into a page that is not ours; the - 1 turns
// null, which an empty view may hold, away too.
inline bool isUnusual(std::string_view bytes) {
    const auto before = reinterpret_cast<std::uintptr_t>(bytes.data()) - 1;
    return bytes.size() > kInlineKeyBytes || !kReadsBehindKeys ||
           (before & (kPageBytes - 1)) >= kPageBytes - 16;
}

// A mask of n bytes at kMasks + 16 - n: without a branch on the size, which words of mixed lengths
// would mispredict.
alignas(16) constexpr std::uint8_t kMasks[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                 255, 255, 255, 255, 255, 255, 255, 255};

// The first `size` (at most 15) of 16 readable bytes, the rest zero.
inline void loadMasked(const char* bytes, std::size_t size, std::uint64_t& low,
                       std::uint64_t& high) {
#if defined(__SSE2__)
    const __m128i mask = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kMasks + 16 - size));
    const __m128i word =
        _mm_and_si128(mask, _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
    low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(word));
    high = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(word, word)));
#else
    std::uint64_t words[2], masks[2];
    std::memcpy(words, bytes, 16);
    std::memcpy(masks, kMasks + 16 - size, 16);
    low = words[0] & masks[0];
    high = words[1] & masks[1];
#endif
}

inline std::string_view viewAt(const char* keys) {
    std::string_view key;
    std::memcpy(&key, keys, sizeof key);
    return key;
}

// Out of line, so that the loops stay small.
__attribute__((noinline)) void storeUnusual(std::string_view bytes, const KeySeed& seed,
                                            KeyGroupProbe& group, std::size_t i) {
    const ProbeKey key = probeKey(bytes, seed);
    group.words[i] = {key.a, key.b};
    group.hash[i] = key.hash;
}

std::uint64_t probePortable(const KeyProbeTable& probed, const char* keys, std::size_t strideBytes,
                            std::size_t count, KeyGroupProbe& group, KeySlot** found) {
    const KeyProbeTable table = probed;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view bytes = viewAt(keys + i * strideBytes);
        if (isUnusual(bytes)) [[unlikely]] {
            storeUnusual(bytes, table.seed, group, i);
        } else {
            std::uint64_t a, b;
            loadMasked(bytes.data(), bytes.size(), a, b);
            b |= std::uint64_t{bytes.size() + 1} << 56;
            group.words[i] = {a, b};
            group.hash[i] = hashOfKey(a, b, table.seed);
        }
        __builtin_prefetch(table.slots + (group.hash[i] & table.mask));
    }
    std::uint64_t missed = 0;
    for (std::size_t i = 0; i < count; ++i) {
        KeySlot* slot = table.slots + (group.hash[i] & table.mask);
        const std::uint64_t a = group.words[i].a, b = group.words[i].b;
        const std::uint64_t isFirst = ((slot[0].a ^ a) | (slot[0].b ^ b)) == 0;
        const std::uint64_t isSecond =
            std::uint64_t{((slot[1].a ^ a) | (slot[1].b ^ b)) == 0} & (table.keysOfPair >> 2);
        found[i] = slot + isSecond;
        missed |= (isFirst | isSecond ? 0 : std::uint64_t{1}) << i;
    }
    return missed;
}

#if defined(__x86_64__)

// Compares both slots' key words at once.
__attribute__((target("avx2,bmi,bmi2"))) inline std::uint64_t findPairs(KeyProbeTable table,
                                                                        const KeyGroupProbe& group,
                                                                        std::size_t count,
                                                                        KeySlot** found) {
    std::uint64_t missed = 0;
    for (std::size_t i = 0; i < count; ++i) {
        KeySlot* slot = table.slots + (group.hash[i] & table.mask);
        const __m256i key = _mm256_broadcastsi128_si256(
            _mm_load_si128(reinterpret_cast<const __m128i*>(&group.words[i])));
        const __m256i pair = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(slot))),
            _mm_load_si128(reinterpret_cast<const __m128i*>(slot + 1)), 1);
        const auto equal = static_cast<unsigned>(
            _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(key, pair))));
        // bit 0: first, bit 2: second
        const std::uint64_t both = equal & equal >> 1 & table.keysOfPair;
        found[i] = slot + (both >> 2);
        missed |= std::uint64_t{both == 0} << i;
    }
    return missed;
}

__attribute__((target("avx2,bmi,bmi2,avx512f,avx512bw,avx512vl"))) std::uint64_t probeAvx512(
    const KeyProbeTable& probed, const char* keys, std::size_t strideBytes, std::size_t count,
    KeyGroupProbe& group, KeySlot** found) {
    const KeyProbeTable table = probed;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view bytes = viewAt(keys + i * strideBytes);
        if (bytes.size() > kInlineKeyBytes) [[unlikely]] {
            storeUnusual(bytes, table.seed, group, i);
        } else {
            // Reads no byte behind the key.
            const __m128i word = _mm_maskz_loadu_epi8(
                static_cast<__mmask16>(_bzhi_u32(0xFFFF, static_cast<unsigned>(bytes.size()))),
                bytes.data());
            const auto a = static_cast<std::uint64_t>(_mm_cvtsi128_si64(word));
            const auto b = static_cast<std::uint64_t>(_mm_extract_epi64(word, 1)) |
                           std::uint64_t{bytes.size() + 1} << 56;
            // One store: what is stored in halves is read whole too slowly.
            _mm_store_si128(reinterpret_cast<__m128i*>(&group.words[i]),
                            _mm_insert_epi64(word, static_cast<long long>(b), 1));
            group.hash[i] = hashOfKey(a, b, table.seed);
        }
        __builtin_prefetch(table.slots + (group.hash[i] & table.mask));
    }
    return findPairs(table, group, count, found);
}

#endif

}  // namespace

// Any key, copied first because the bytes behind it must not be read.
ProbeKey probeKey(std::string_view bytes, const KeySeed& seed) {
    ProbeKey key;
    if (bytes.size() > kInlineKeyBytes) {
        key.a = key.hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed.b);
        key.b = kLongKeyBits;
        return key;
    }
    char copy[16] = {};
    if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
    std::memcpy(&key.a, copy, 8);
    std::memcpy(&key.b, copy + 8, 8);
    key.b |= std::uint64_t{bytes.size() + 1} << 56;
    key.hash = hashOfKey(key.a, key.b, seed);
    return key;
}

KeyProbes keyProbes() {
    KeyProbes probes{probePortable, nullptr};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        probes.avx512 = probeAvx512;
#endif
    return probes;
}

KeyProbe chooseKeyProbe() {
    static const KeyProbe chosen = [] {
        const KeyProbes probes = keyProbes();
        return probes.avx512 ? probes.avx512 : probes.portable;
    }();
    return chosen;
}

}  // namespace tidemill::core
