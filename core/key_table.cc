#include "core/key_table.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "core/check.h"

namespace tidemill::core {
namespace {

constexpr std::size_t kSmallestSlots = 256;
constexpr std::size_t kGroup = KeyGroupProbe::kKeys;

}  // namespace

std::uint64_t KeyTable::processSeed() {
    static const std::uint64_t seed = [] {
        std::random_device device;
        return std::uint64_t{device()} << 32 | device();
    }();
    return seed;
}

// b's factor keeps its top byte, which no length cancels, so that it is never 0.
KeyTable::KeyTable(std::uint64_t seed)
    : seed_{seed ^ 0x9E3779B97F4A7C15u,
            (XXH3_64bits(&seed, sizeof seed) >> 8) ^ 0xD6E8FEB86659FD93u} {}

inline bool KeyTable::matches(const Slot& slot, const ProbeKey& key, std::string_view bytes) const {
    if (slot.a != key.a) return false;
    if (key.b != kLongKeyBits) return slot.b == key.b;
    return slot.b >> 56 == kLongMark && longKeys_[static_cast<std::uint32_t>(slot.b) - 1] == bytes;
}

// The slot of the key, or the empty one where it belongs.
KeyTable::Slot& KeyTable::probe(const ProbeKey& key, std::string_view bytes) const {
    for (std::size_t index = key.hash & mask_;; index = (index + 2) & mask_) {
        Slot* const pair = slots() + index;
        for (Slot* slot = pair; slot != pair + 2; ++slot)
            if (slot->b == 0 || matches(*slot, key, bytes)) return *slot;
    }
}

void KeyTable::place(Slot& slot, const ProbeKey& key, std::string_view bytes) {
    slot.a = key.a;
    slot.b = key.b;
    if (key.b == kLongKeyBits) {
        longKeys_.push_back(longBytes_.copy(bytes));
        slot.b |= longKeys_.size();  // never 0, so that no slot looks like a key sought
    }
    slot.rank = static_cast<std::uint32_t>(order_.size());
    order_.push_back(static_cast<std::uint32_t>(&slot - slots()));
}

void KeyTable::locate(const char* keys, std::size_t strideBytes, std::size_t count, Slot** found,
                      std::uint64_t* fresh) {
    reserve(count);
    const KeyProbe probeGroup = chooseKeyProbe();
    const KeyProbeTable table{slots(), mask_, seed_};
    KeyGroupProbe group;
    for (std::size_t first = 0; first < count; first += kGroup) {
        const char* const groupKeys = keys + first * strideBytes;
        std::uint64_t missed = probeGroup(table, groupKeys, strideBytes,
                                          std::min(kGroup, count - first), group, found + first);
        std::uint64_t isFresh = 0;
        for (; missed != 0; missed &= missed - 1) {
            const auto i = static_cast<std::size_t>(std::countr_zero(missed));
            std::string_view key;
            std::memcpy(&key, groupKeys + i * strideBytes, sizeof key);
            Slot& slot = probe(group[i], key);
            if (slot.b == 0) {
                place(slot, group[i], key);
                isFresh |= std::uint64_t{1} << i;
            }
            found[first + i] = &slot;
        }
        fresh[first / kGroup] = isFresh;
    }
}

KeyTable::Slot& KeyTable::insert(std::string_view key, bool& fresh) {
    reserve(1);
    const ProbeKey made = probeKey(key, seed_);
    Slot& slot = probe(made, key);
    fresh = slot.b == 0;
    if (fresh) place(slot, made, key);
    return slot;
}

const KeyTable::Slot* KeyTable::find(std::string_view key) const {
    if (slotCount_ == 0) return nullptr;
    const Slot& slot = probe(probeKey(key, seed_), key);
    return slot.b == 0 ? nullptr : &slot;
}

void KeyTable::reserve(std::size_t more) {
    const std::size_t wanted = 2 * (order_.size() + more);
    if (wanted > slotCount_) rehash(std::bit_ceil(std::max(wanted, kSmallestSlots)));
}

void KeyTable::rehash(std::size_t count) {
    TM_CHECK(count <= std::size_t{1} << 32, "a key table has more keys than it can count");
    ZeroedMemory old(count * sizeof(Slot));
    std::swap(old, memory_);
    const Slot* const oldSlots = static_cast<const Slot*>(old.data());
    const Slot* const oldEnd = oldSlots + slotCount_;
    slotCount_ = count;
    mask_ = count - 2;
    // Sequential through the old slots, and nearly so through the new; ranks keep the order.
    for (const Slot* slot = oldSlots; slot != oldEnd; ++slot) {
        if (slot->b == 0) continue;
        const bool isLong = slot->b >> 56 == kLongMark;
        std::size_t index = (isLong ? slot->a : hashOfKey(slot->a, slot->b, seed_)) & mask_;
        while (slots()[index].b != 0) index = (index + 1) & (count - 1);
        slots()[index] = *slot;
        order_[slot->rank] = static_cast<std::uint32_t>(index);
    }
}

std::size_t KeyTable::bytes() const {
    return memory_.sizeBytes() + order_.capacity() * sizeof(order_[0]) +
           longKeys_.capacity() * sizeof(longKeys_[0]) + longBytes_.bytes();
}

void KeyTable::clear() {
    if (slotCount_ > kSmallestSlots && order_.size() * 64 < slotCount_) {
        slotCount_ = std::bit_ceil(std::max(4 * order_.size(), kSmallestSlots));
        memory_ = ZeroedMemory(slotCount_ * sizeof(Slot));
        mask_ = slotCount_ - 2;
    } else if (order_.size() * 8 < slotCount_) {
        for (const auto index : order_) slots()[index] = Slot{};
    } else {
        memory_.clear();
    }
    order_.clear();
    longKeys_.clear();
    longBytes_.reset();
}

}  // namespace tidemill::core
