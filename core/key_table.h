// The hash table under every keyed operator: byte keys, a slot of 32 bytes each.
//
// Keys up to 15 bytes lie in the slot, so a lookup that hits touches one cache line; a chunk of
// keys is hashed and its lines prefetched in groups of 64 before any of them is compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.h"

namespace tidemill::core {

// Keeps keys in insertion order. Thread safety: worker-confined.
class KeyTable {
public:
    static constexpr std::size_t kInlineBytes = 15;

    // Two slots fill a cache line.
    struct alignas(32) Slot {
        std::uint64_t a = 0;      // inline: key bytes 0 … 7; long: the key's hash
        std::uint64_t b = 0;      // inline: key bytes 8 … 14 and length + 1; long: 0xFF and an index + 1
        std::uint64_t value = 0;  // the caller's
        std::uint32_t rank = 0;   // position in insertion order
        std::uint8_t group = 0;   // the caller's
        std::uint8_t flags = 0;   // the caller's
    };

    // `seed` scatters the slots; nothing a caller can see depends on it.
    explicit KeyTable(std::uint64_t seed = processSeed());

    // Finds or inserts `count` (at most 1024) keys, string_views that lie `strideBytes` apart from
    // `keys` on. slots[i] is key i's; bit i of fresh[] says that it was inserted by this key: value,
    // group and flags are 0 then. Slots stay where they are until the next insertion.
    void locate(const char* keys, std::size_t strideBytes, std::size_t count, Slot** slots,
                std::uint64_t* fresh);

    // Finds or inserts one key.
    Slot& insert(std::string_view key, bool& fresh);

    // Null when the key is not there.
    Slot* find(std::string_view key) { return const_cast<Slot*>(std::as_const(*this).find(key)); }
    const Slot* find(std::string_view key) const;

    std::size_t size() const { return order_.size(); }
    Slot& slotAt(std::size_t rank) { return slots_[order_[rank]]; }
    const Slot& slotAt(std::size_t rank) const { return slots_[order_[rank]]; }

    // A view into the slot or the table; holds until the next insertion.
    std::string_view keyOf(const Slot& slot) const {
        const auto length = static_cast<std::uint8_t>(slot.b >> 56);
        if (length != kLongMark) [[likely]]
            return {reinterpret_cast<const char*>(&slot.a), length - std::size_t{1}};
        return longKeys_[static_cast<std::uint32_t>(slot.b) - 1];
    }

    // Memory held.
    std::size_t bytes() const;

    // Forgets all keys and keeps the memory, unless it is far more than the keys needed.
    void clear();

    static std::uint64_t processSeed();

private:
    static constexpr std::uint8_t kLongMark = 0xFF;
    static constexpr std::uint64_t kLongBits = std::uint64_t{kLongMark} << 56;
    struct Key {
        std::uint64_t a, b, hash;
    };

    static Key keyFrom(std::string_view bytes, std::uint64_t seed);
    static Key unusualKey(std::string_view bytes, std::uint64_t seed);
    static std::uint64_t hashOf(std::uint64_t a, std::uint64_t b, std::uint64_t seed);
    bool matchesLong(const Slot& slot, const Key& key, std::string_view bytes) const;
    std::size_t probe(const Key& key, std::string_view bytes) const;
    std::size_t probeLong(const Key& key, std::string_view bytes) const;
    void place(std::size_t index, const Key& key, std::string_view bytes);
    void reserve(std::size_t more);
    void rehash(std::size_t slots);

    std::uint64_t seed_;
    std::size_t mask_ = 0;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> order_;
    std::vector<std::string_view> longKeys_;
    Arena longBytes_;
};

}  // namespace tidemill::core
