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

bool isFree(const KeySlot& slot) { return slot.b == 0; }

}  // namespace

std::uint64_t KeyTable::processSeed() {
    static const std::uint64_t seed = [] {
        std::random_device device;
        return std::uint64_t{device()} << 32 | device();
    }();
    return seed;
}

// b's factor keeps its top byte, which no length cancels, so that it is never 0.
KeyTable::KeyTable(std::uint64_t seed, Width width)
    : seed_{seed ^ 0x9E3779B97F4A7C15u,
            (XXH3_64bits(&seed, sizeof seed) >> 8) ^ 0xD6E8FEB86659FD93u},
      slotsPerKey_(width == Width::kWide ? 2 : 1) {}

inline bool KeyTable::matches(const Slot& slot, const ProbeKey& key, std::string_view bytes) const {
    if (slot.a != key.a) return false;
    if (key.b != kLongKeyBits) return slot.b == key.b;
    return slot.b >> 56 == kLongMark && longKeys_[static_cast<std::uint32_t>(slot.b) - 1] == bytes;
}

// The slot of the key, or the empty one where it belongs.
KeyTable::Slot& KeyTable::probe(const ProbeKey& key, std::string_view bytes) const {
    for (std::size_t index = key.hash & mask_;; index = (index + 2) & mask_) {
        Slot* const pair = slots() + index;
        for (Slot* slot = pair; slot != pair + 2; slot += slotsPerKey_)
            if (isFree(*slot) || matches(*slot, key, bytes)) return *slot;
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
    const KeyProbeTable table{slots(), mask_, seed_,
                              slotsPerKey_ == 1 ? kBothHoldKeys : kFirstHoldsKey};
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
            if (isFree(slot)) {
                place(slot, group[i], key);
                isFresh |= std::uint64_t{1} << i;
            }
            found[first + i] = &slot;
        }
        fresh[first / kGroup] = isFresh;
    }
}

KeyTable::Slot& KeyTable::findOrPlace(const ProbeKey& key, bool& fresh) {
    Slot& slot = probe(key, {});
    fresh = isFree(slot);
    if (fresh) place(slot, key, {});
    return slot;
}

KeyTable::Slot& KeyTable::insert(std::string_view key, bool& fresh) {
    reserve(1);
    const ProbeKey made = probeKey(key, seed_);
    Slot& slot = probe(made, key);
    fresh = isFree(slot);
    if (fresh) place(slot, made, key);
    return slot;
}

const KeyTable::Slot* KeyTable::find(std::string_view key) const {
    if (slotCount_ == 0) return nullptr;
    const Slot& slot = probe(probeKey(key, seed_), key);
    return isFree(slot) ? nullptr : &slot;
}

std::size_t KeyTable::slotsFor(std::size_t more) const {
    const std::size_t wanted = 2 * slotsPerKey_ * (order_.size() + more);
    return wanted <= slotCount_ ? slotCount_ : std::bit_ceil(std::max(wanted, kSmallestSlots));
}

void KeyTable::reserve(std::size_t more) {
    if (const std::size_t count = slotsFor(more); count != slotCount_) rehash(count);
}

// In place, so that only the new part is memory never touched before. A key is taken out of its
// slot and put where it belongs now, the first free slot from its home on. That never passes over a
// key still to be moved: from a free slot on, all the way round, the slots between a key's old home
// and its place have been gone through before it, and what was found there lies there or earlier.
void KeyTable::rehash(std::size_t count) {
    TM_CHECK(count <= std::size_t{1} << 32, "a key table has more keys than it can count");
    memory_.grow(count * sizeof(Slot));
    const std::size_t before = std::exchange(slotCount_, count);
    mask_ = count - 2;
    if (before == 0) return;
    const std::size_t step = slotsPerKey_, bytes = step * sizeof(Slot);
    Slot* const all = slots();
    const auto move = [&](Slot* from, const Slot* end) {
        for (Slot* at = from; at != end; at += step) {
            if (isFree(*at)) continue;
            Slot moved[2];
            std::memcpy(moved, at, bytes);
            *at = Slot{};  // all of it: a fresh key finds zeros
            const bool isLong = moved->b >> 56 == kLongMark;
            std::size_t index = (isLong ? moved->a : hashOfKey(moved->a, moved->b, seed_)) & mask_;
            while (!isFree(all[index])) index = (index + step) & (count - 1);
            std::memcpy(all + index, moved, bytes);
            order_[moved->rank] = static_cast<std::uint32_t>(index);
        }
    };
    Slot* free = all;
    while (!isFree(*free)) free += step;
    move(free, all + before);
    move(all, free);
}

std::size_t KeyTable::bytes() const {
    return memory_.sizeBytes() + order_.capacity() * sizeof(order_[0]) +
           longKeys_.capacity() * sizeof(longKeys_[0]) + longBytes_.bytes();
}

void KeyTable::clear() {
    const std::size_t used = order_.size() * slotsPerKey_;
    if (slotCount_ > kSmallestSlots && used * 64 < slotCount_) {
        slotCount_ = std::bit_ceil(std::max(4 * used, kSmallestSlots));
        memory_ = ZeroedMemory(slotCount_ * sizeof(Slot));
        mask_ = slotCount_ - 2;
    } else if (used * 8 < slotCount_) {
        for (const auto index : order_) slots()[index] = Slot{};
    } else {
        memory_.clear();
    }
    order_.clear();
    longKeys_.clear();
    longBytes_.reset();
}

}  // namespace tidemill::core
