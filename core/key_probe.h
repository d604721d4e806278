// The inner loops of the key table: keys made into two words and a hash, and looked for where
// their hash says, in a form for every processor or the one for AVX-512.
//
// What paid (bench/inner_loops.cc, 100 thousand words): 64 keys at a time, both slots of a pair,
// which fill a cache line, compared without a branch between them, and misses only set a bit, so
// that nothing but a long key is ever predicted wrongly here: 27 -> 130 million/s. AVX-512: 142.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidemill::core {

// Two, a pair, fill a cache line. In a wide table a pair is one key's: its value fills the place of
// the second slot.
struct alignas(32) KeySlot {
    std::uint64_t a = 0;  // inline: key bytes 0 … 7; long: the key's hash
    std::uint64_t b = 0;  // inline: key bytes 8 … 14 and length + 1; long: 0xFF and an index + 1
    std::uint64_t value = 0;  // the caller's
    std::uint32_t rank = 0;   // position in insertion order
    std::uint8_t group = 0;   // the caller's
    std::uint8_t flags = 0;   // the caller's
};

inline constexpr std::size_t kInlineKeyBytes = 15;
inline constexpr std::uint64_t kLongKeyBits = std::uint64_t{0xFF} << 56;

// Two numbers, so that nobody can choose a key that makes a factor of its hash known.
struct KeySeed {
    std::uint64_t a, b;
};

// A key as its slot holds it; a long key's b is kLongKeyBits, which no slot holds.
struct ProbeKey {
    std::uint64_t a, b, hash;
};

inline std::uint64_t hashOfKey(std::uint64_t a, std::uint64_t b, const KeySeed& seed) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a ^ seed.a} * (b ^ seed.b);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

ProbeKey probeKey(std::string_view bytes, const KeySeed& seed);

// Up to 64 keys on their way through the table.
struct KeyGroupProbe {
    static constexpr std::size_t kKeys = 64;
    struct alignas(16) Words {
        std::uint64_t a, b;
    };
    Words words[kKeys];
    std::uint64_t hash[kKeys];

    ProbeKey operator[](std::size_t i) const { return {words[i].a, words[i].b, hash[i]}; }
};

// Where to look: `mask` + 2 slots; a key's first pair begins at hash & mask.
struct KeyProbeTable {
    KeySlot* slots;
    std::size_t mask;
    KeySeed seed;
    std::uint64_t keysOfPair;  // kBothHoldKeys or, in a wide table, kFirstHoldsKey
};
// Bits where the comparison of a pair's four words says that both words of a slot are equal.
inline constexpr std::uint64_t kFirstHoldsKey = 1, kBothHoldKeys = 1 | 1 << 2;

// Fills `group` from `count` string_views that lie `strideBytes` apart and looks for each in the
// first pair of its hash alone. found[i] is its slot; bit i of the result says that it is not
// there and found[i] means nothing.
using KeyProbe = std::uint64_t (*)(const KeyProbeTable& table, const char* keys,
                                   std::size_t strideBytes, std::size_t count, KeyGroupProbe& group,
                                   KeySlot** found);

// The fastest this processor has.
KeyProbe chooseKeyProbe();

// For tests: null where the processor or the build has not got it.
struct KeyProbes {
    KeyProbe portable, avx512;
};
KeyProbes keyProbes();

}  // namespace tidemill::core
