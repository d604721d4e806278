#include "core/key_table.h"

#include <xxhash.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "core/check.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kSmallestSlots = 256;
constexpr std::size_t kGroup = 64;
constexpr std::uintptr_t kPageBytes = 4096;

// The bytes behind a key may be read, not used; the address sanitizer cannot know that.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kReadsBehindKeys = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kReadsBehindKeys = false;
#else
constexpr bool kReadsBehindKeys = true;
#endif
#else
constexpr bool kReadsBehindKeys = true;
#endif

static_assert(std::endian::native == std::endian::little,
              "keys are viewed in the bytes of a slot's words");

// The first `size` (at most 15) of 16 readable bytes, the rest zero; without a branch on the size,
// which words of mixed lengths would mispredict.
inline void loadMasked(const char* bytes, std::size_t size, std::uint64_t& low,
                       std::uint64_t& high) {
#if defined(__SSE2__)
    alignas(16) static constexpr std::uint8_t kMasks[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                            255, 255, 255, 255, 255, 255, 255, 255};
    const __m128i mask = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kMasks + 16 - size));
    const __m128i word =
        _mm_and_si128(mask, _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
    low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(word));
    high = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(word, word)));
#else
    const auto lowBytes = [](std::uint64_t word, std::size_t count) {
        return count == 0 ? 0 : word & (~std::uint64_t{0} >> (64 - 8 * count));
    };
    std::uint64_t words[2];
    std::memcpy(words, bytes, 16);
    low = lowBytes(words[0], std::min<std::size_t>(size, 8));
    high = lowBytes(words[1], size > 8 ? size - 8 : 0);
#endif
}

}  // namespace

std::uint64_t KeyTable::processSeed() {
    static const std::uint64_t seed = [] {
        std::random_device device;
        return std::uint64_t{device()} << 32 | device();
    }();
    return seed;
}

KeyTable::KeyTable(std::uint64_t seed) : seed_(seed) {}

// 64 x 64 -> 128 bit multiplication, folded.
inline std::uint64_t KeyTable::hashOf(std::uint64_t a, std::uint64_t b, std::uint64_t seed) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a ^ 0x9E3779B97F4A7C15u ^ seed} * (b ^ 0xD6E8FEB86659FD93u);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline KeyTable::Key KeyTable::keyFrom(std::string_view bytes, std::uint64_t seed) {
    const std::size_t size = bytes.size();
    // 16 bytes may be read at once unless they could cross into a page that is not ours; the - 1
    // turns null, which an empty view may hold, away too.
    const auto before = reinterpret_cast<std::uintptr_t>(bytes.data()) - 1;
    if (size > kInlineBytes || !kReadsBehindKeys || (before & (kPageBytes - 1)) >= kPageBytes - 16)
        [[unlikely]]
        return unusualKey(bytes, seed);
    Key key;
    loadMasked(bytes.data(), size, key.a, key.b);
    key.b |= std::uint64_t{size + 1} << 56;
    key.hash = hashOf(key.a, key.b, seed);
    return key;
}

// Long, or copied first because the bytes behind it must not be read.
__attribute__((noinline)) KeyTable::Key KeyTable::unusualKey(std::string_view bytes,
                                                             std::uint64_t seed) {
    Key key;
    if (bytes.size() > kInlineBytes) {
        key.a = key.hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
        key.b = kLongBits;
        return key;
    }
    char copy[16] = {};
    if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
    std::memcpy(&key.a, copy, 8);
    std::memcpy(&key.b, copy + 8, 8);
    key.b |= std::uint64_t{bytes.size() + 1} << 56;
    key.hash = hashOf(key.a, key.b, seed);
    return key;
}

// The slot of the key, or the empty one where it belongs.
inline std::size_t KeyTable::probe(const Key& key, std::string_view bytes) const {
    std::size_t index = key.hash & mask_;
    if (key.b == kLongBits) [[unlikely]]
        return probeLong(key, bytes);
    while (!(slots_[index].a == key.a && slots_[index].b == key.b) && slots_[index].b != 0)
        index = (index + 1) & mask_;
    return index;
}

__attribute__((noinline)) std::size_t KeyTable::probeLong(const Key& key,
                                                          std::string_view bytes) const {
    std::size_t index = key.hash & mask_;
    while (slots_[index].b != 0 && !matchesLong(slots_[index], key, bytes))
        index = (index + 1) & mask_;
    return index;
}

bool KeyTable::matchesLong(const Slot& slot, const Key& key, std::string_view bytes) const {
    return slot.a == key.a && slot.b >> 56 == kLongMark &&
           longKeys_[static_cast<std::uint32_t>(slot.b) - 1] == bytes;
}

void KeyTable::place(std::size_t index, const Key& key, std::string_view bytes) {
    Slot& slot = slots_[index];
    slot.a = key.a;
    slot.b = key.b;
    if (key.b == kLongBits) {
        longKeys_.push_back(longBytes_.copy(bytes));
        slot.b |= longKeys_.size();  // never 0, so that no slot looks like a key sought
    }
    slot.rank = static_cast<std::uint32_t>(order_.size());
    order_.push_back(static_cast<std::uint32_t>(index));
}

void KeyTable::locate(const char* keys, std::size_t strideBytes, std::size_t count, Slot** slots,
                      std::uint64_t* fresh) {
    reserve(count);
    const auto keyAt = [&](std::size_t i) {
        std::string_view key;
        std::memcpy(&key, keys + i * strideBytes, sizeof key);
        return key;
    };
    // Copies of members, which stores through `slots` cannot change.
    const std::uint64_t seed = seed_;
    const std::size_t mask = mask_;
    Slot* const table = slots_.data();
    Key group[kGroup];
    for (std::size_t first = 0; first < count; first += kGroup) {
        const std::size_t size = std::min(kGroup, count - first);
        for (std::size_t i = 0; i < size; ++i) {
            group[i] = keyFrom(keyAt(first + i), seed);
            __builtin_prefetch(&table[group[i].hash & mask]);
        }
        std::uint64_t isFresh = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const Key& key = group[i];
            std::size_t index = key.hash & mask;
            while (table[index].a != key.a || table[index].b != key.b) {
                if (table[index].b == 0 || key.b == kLongBits) [[unlikely]] {
                    index = probe(key, keyAt(first + i));
                    if (table[index].b == 0) {
                        place(index, key, keyAt(first + i));
                        isFresh |= std::uint64_t{1} << i;
                    }
                    break;
                }
                index = (index + 1) & mask;
            }
            slots[first + i] = &table[index];
        }
        fresh[first / kGroup] = isFresh;
    }
}

KeyTable::Slot& KeyTable::insert(std::string_view key, bool& fresh) {
    reserve(1);
    const Key made = keyFrom(key, seed_);
    const std::size_t index = probe(made, key);
    fresh = slots_[index].b == 0;
    if (fresh) place(index, made, key);
    return slots_[index];
}

const KeyTable::Slot* KeyTable::find(std::string_view key) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[probe(keyFrom(key, seed_), key)];
    return slot.b == 0 ? nullptr : &slot;
}

void KeyTable::reserve(std::size_t more) {
    const std::size_t wanted = 2 * (order_.size() + more);
    if (wanted > slots_.size()) rehash(std::bit_ceil(std::max(wanted, kSmallestSlots)));
}

void KeyTable::rehash(std::size_t count) {
    TM_CHECK(count <= std::size_t{1} << 32, "a key table has more keys than it can count");
    std::vector<Slot> old(count);
    old.swap(slots_);
    mask_ = count - 1;
    // Sequential through the old slots; ranks keep the insertion order.
    for (const Slot& slot : old) {
        if (slot.b == 0) continue;
        const bool isLong = slot.b >> 56 == kLongMark;
        std::size_t index = (isLong ? slot.a : hashOf(slot.a, slot.b, seed_)) & mask_;
        while (slots_[index].b != 0) index = (index + 1) & mask_;
        slots_[index] = slot;
        order_[slot.rank] = static_cast<std::uint32_t>(index);
    }
}

std::size_t KeyTable::bytes() const {
    return slots_.capacity() * sizeof(Slot) + order_.capacity() * sizeof(order_[0]) +
           longKeys_.capacity() * sizeof(longKeys_[0]) + longBytes_.bytes();
}

void KeyTable::clear() {
    if (slots_.size() > kSmallestSlots && order_.size() * 64 < slots_.size()) {
        slots_ = std::vector<Slot>(std::bit_ceil(std::max(4 * order_.size(), kSmallestSlots)));
        mask_ = slots_.size() - 1;
    } else if (order_.size() * 8 < slots_.size()) {
        for (const auto index : order_) slots_[index] = Slot{};
    } else {
        std::fill(slots_.begin(), slots_.end(), Slot{});
    }
    order_.clear();
    longKeys_.clear();
    longBytes_.reset();
}

}  // namespace tidemill::core
