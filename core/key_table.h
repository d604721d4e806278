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
#include "core/key_probe.h"
#include "core/zeroed_memory.h"

namespace tidemill::core {

// Keeps keys in insertion order. Thread safety: worker-confined.
class KeyTable {
public:
    using Slot = KeySlot;
    static constexpr std::size_t kInlineBytes = kInlineKeyBytes;

    // `seed` scatters the slots; nothing a caller can see depends on it.
    explicit KeyTable(std::uint64_t seed = processSeed());

    // Finds or inserts `count` (at most 1024) keys, string_views that lie `strideBytes` apart from
    // `keys` on. slots[i] is key i's; bit i of fresh[] says that it was inserted by this key:
    // value, group and flags are 0 then. Slots stay where they are until the next insertion.
    void locate(const char* keys, std::size_t strideBytes, std::size_t count, Slot** slots,
                std::uint64_t* fresh);

    // Finds or inserts one key.
    Slot& insert(std::string_view key, bool& fresh);

    // Null when the key is not there.
    Slot* find(std::string_view key) { return const_cast<Slot*>(std::as_const(*this).find(key)); }
    const Slot* find(std::string_view key) const;

    std::size_t size() const { return order_.size(); }
    Slot& slotAt(std::size_t rank) { return slots()[order_[rank]]; }
    const Slot& slotAt(std::size_t rank) const { return slots()[order_[rank]]; }

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

    bool matches(const Slot& slot, const ProbeKey& key, std::string_view bytes) const;
    Slot& probe(const ProbeKey& key, std::string_view bytes) const;
    void place(Slot& slot, const ProbeKey& key, std::string_view bytes);
    void reserve(std::size_t more);
    void rehash(std::size_t slots);
    Slot* slots() const { return static_cast<Slot*>(memory_.data()); }

    KeySeed seed_;
    std::size_t mask_ = 0;  // slots - 2: the index of a pair's first slot
    std::size_t slotCount_ = 0;
    ZeroedMemory memory_;
    std::vector<std::uint32_t> order_;
    std::vector<std::string_view> longKeys_;
    Arena longBytes_;
};

}  // namespace tidemill::core
