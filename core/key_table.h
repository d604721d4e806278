// The hash table under every keyed operator: byte keys, a slot of 32 bytes each, or 64 in a wide
// table, which has room for a value of up to 32 bytes behind the slot.
//
// Keys up to 15 bytes and their values lie in one cache line, all that a lookup that hits touches;
// a chunk of keys is hashed and its lines prefetched in groups of 64 before any of them is
// compared. It grows in place: 10 million words 21 -> 27 million words/s.
#pragma once

#include <algorithm>
#include <bit>
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

    enum class Width { kNarrow, kWide };
    // Of a wide table's slot, right behind it.
    static constexpr std::size_t kWideValueBytes = sizeof(Slot);

    // `seed` scatters the slots; nothing a caller can see depends on it.
    explicit KeyTable(std::uint64_t seed = processSeed(), Width width = Width::kNarrow);

    // Finds or inserts `count` (at most 1024) keys, string_views that lie `strideBytes` apart from
    // `keys` on. slots[i] is key i's; bit i of fresh[] says that it was inserted by this key:
    // value, group and flags are 0 then. Slots stay where they are until the next insertion.
    void locate(const char* keys, std::size_t strideBytes, std::size_t count, Slot** slots,
                std::uint64_t* fresh);

    // Finds or inserts `count` keys that are made here: wordsAt(i) gives key i, of at most 15
    // bytes, as a slot holds it. Calls visit(i, slot, fresh) for one after another, while the
    // slot's line is near; visit must not insert. Words that are at hand already need no views to
    // be looked for: 94 -> 116 million/s in numbers.memory, next to KeyProbe.
    template <class WordsAt, class Visit>
    void visitWords(std::size_t count, WordsAt&& wordsAt, Visit&& visit) {
        constexpr std::size_t kGroup = KeyGroupProbe::kKeys;
        reserve(count);
        KeyGroupProbe group;
        Slot* found[kGroup];
        for (std::size_t first = 0; first < count; first += kGroup) {
            const std::size_t size = std::min(kGroup, count - first);
            for (std::size_t i = 0; i < size; ++i) {
                group.words[i] = wordsAt(first + i);
                group.hash[i] = hashOfKey(group.words[i].a, group.words[i].b, seed_);
                __builtin_prefetch(slots() + (group.hash[i] & mask_), 1);
            }
            // Without a branch, like the probe of views.
            std::uint64_t missed = 0, fresh = 0;
            if (slotsPerKey_ == 2) {
                for (std::size_t i = 0; i < size; ++i) {
                    found[i] = slots() + (group.hash[i] & mask_);
                    missed |= std::uint64_t{!isKey(*found[i], group.words[i])} << i;
                }
            } else {
                for (std::size_t i = 0; i < size; ++i) {
                    Slot* const pair = slots() + (group.hash[i] & mask_);
                    const bool isSecond = isKey(pair[1], group.words[i]);
                    found[i] = pair + isSecond;
                    missed |= std::uint64_t{!(isKey(*pair, group.words[i]) | isSecond)} << i;
                }
            }
            for (; missed != 0; missed &= missed - 1) {
                const auto i = static_cast<std::size_t>(std::countr_zero(missed));
                bool isFresh = false;
                found[i] = &findOrPlace(group[i], isFresh);
                fresh |= std::uint64_t{isFresh} << i;
            }
            for (std::size_t i = 0; i < size; ++i)
                visit(first + i, *found[i], (fresh >> i & 1) != 0);
        }
    }

    // Finds or inserts one key.
    Slot& insert(std::string_view key, bool& fresh);

    // Null when the key is not there.
    Slot* find(std::string_view key) { return const_cast<Slot*>(std::as_const(*this).find(key)); }
    const Slot* find(std::string_view key) const;

    std::size_t size() const { return order_.size(); }
    Slot& slotAt(std::size_t rank) { return slots()[order_[rank]]; }
    const Slot& slotAt(std::size_t rank) const { return slots()[order_[rank]]; }
    // Slots lie anywhere; a loop over ranks asks for those a few ranks ahead. Any rank may be
    // asked.
    static constexpr std::size_t kRanksAhead = 16;
    void prefetchAt(std::size_t rank) const {
        if (rank < order_.size()) __builtin_prefetch(slots() + order_[rank], 1);
    }

    // A view into the slot or the table; holds until the next insertion.
    std::string_view keyOf(const Slot& slot) const {
        const auto length = static_cast<std::uint8_t>(slot.b >> 56);
        if (length != kLongMark) [[likely]]
            return {reinterpret_cast<const char*>(&slot.a), length - std::size_t{1}};
        return longKeys_[static_cast<std::uint32_t>(slot.b) - 1];
    }

    // Memory held.
    std::size_t bytes() const;
    // What its slots take more once `more` keys are located or inserted; mostly 0.
    std::size_t growthBytes(std::size_t more) const {
        return (slotsFor(more) - slotCount_) * sizeof(Slot);
    }

    // Forgets all keys and keeps the memory, unless it is far more than the keys needed.
    void clear();

    static std::uint64_t processSeed();

private:
    static constexpr std::uint8_t kLongMark = 0xFF;

    Slot& findOrPlace(const ProbeKey& key, bool& fresh);
    static bool isKey(const Slot& slot, const KeyGroupProbe::Words& words) {
        return ((slot.a ^ words.a) | (slot.b ^ words.b)) == 0;
    }
    bool matches(const Slot& slot, const ProbeKey& key, std::string_view bytes) const;
    Slot& probe(const ProbeKey& key, std::string_view bytes) const;
    void place(Slot& slot, const ProbeKey& key, std::string_view bytes);
    // With room for `more` keys; what there is, when that is enough.
    std::size_t slotsFor(std::size_t more) const;
    void reserve(std::size_t more);
    void rehash(std::size_t slots);
    Slot* slots() const { return static_cast<Slot*>(memory_.data()); }

    KeySeed seed_;
    std::size_t slotsPerKey_;
    std::size_t mask_ = 0;  // slots - 2: the index of a pair's first slot
    std::size_t slotCount_ = 0;
    ZeroedMemory memory_;
    std::vector<std::uint32_t> order_;
    std::vector<std::string_view> longKeys_;
    Arena longBytes_;
};

}  // namespace tidemill::core
