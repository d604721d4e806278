// The values of a key table's slots, as a type.
//
// Trivial values up to 8 bytes live in the slot, those up to 32 behind a wide one, in the same
// cache line; of others the slot holds the address.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/key_table.h"

namespace tidemill::core {

template <class V>
inline constexpr bool kInlineValue = std::is_trivially_copyable_v<V> && sizeof(V) <= 8;

// Wants a table of width kSlotWidth<V>.
template <class V>
inline constexpr bool kWideValue =
    std::is_trivially_copyable_v<V> && !kInlineValue<V> && sizeof(V) <= KeyTable::kWideValueBytes &&
    alignof(V) <= alignof(KeyTable::Slot);
template <class V>
inline constexpr auto kSlotWidth =
    kWideValue<V> ? KeyTable::Width::kWide : KeyTable::Width::kNarrow;

// Of slots of a table of width kSlotWidth<V>. Thread safety: worker-confined.
template <class V>
class SlotValues {
public:
    SlotValues() = default;
    SlotValues(const SlotValues&) = delete;
    SlotValues& operator=(const SlotValues&) = delete;
    ~SlotValues() { clear(); }

    // Gives a fresh slot its value.
    void create(KeyTable::Slot& slot, V&& value) {
        if constexpr (kInlineValue<V>) {
            std::memcpy(&slot.value, &value, sizeof value);
        } else if constexpr (kWideValue<V>) {
            ::new (static_cast<void*>(&slot + 1)) V(std::move(value));
        } else {
            V* made = ::new (place()) V(std::move(value));
            ++used_;
            slot.value = reinterpret_cast<std::uint64_t>(made);
        }
    }

    // Calls change(V&) on the slot's value.
    template <class Change>
    void update(KeyTable::Slot& slot, Change&& change) {
        if constexpr (kInlineValue<V>) {
            V value;
            std::memcpy(&value, &slot.value, sizeof value);
            change(value);
            std::memcpy(&slot.value, &value, sizeof value);
        } else {
            change(*at<V>(slot));
        }
    }

    // Values are needed soon. With values beside the slots a chunk waits for each of them
    // otherwise.
    static void prefetch(KeyTable::Slot* const* slots, std::size_t count) {
        if constexpr (!kInlineValue<V> && !kWideValue<V>)
            for (std::size_t i = 0; i < count; ++i)
                __builtin_prefetch(reinterpret_cast<const void*>(slots[i]->value), 1);
    }

    V get(const KeyTable::Slot& slot) const {
        if constexpr (kInlineValue<V>) {
            V value;
            std::memcpy(&value, &slot.value, sizeof value);
            return value;
        } else {
            return *at<const V>(slot);
        }
    }

    V take(KeyTable::Slot& slot) {
        if constexpr (kInlineValue<V>) return get(slot);
        else return std::move(*at<V>(slot));
    }

    // Memory held beside the slots.
    std::size_t bytes() const { return blocks_.size() * kPerBlock * sizeof(Storage); }

    // Destroys all values; their memory stays for the next batch.
    void clear() {
        if constexpr (!std::is_trivially_destructible_v<V>)
            for (std::size_t i = 0; i < used_; ++i)
                std::destroy_at(reinterpret_cast<V*>(blocks_[i / kPerBlock].get()) + i % kPerBlock);
        used_ = 0;
    }

private:
    static constexpr std::size_t kPerBlock = 1024;
    struct alignas(V) Storage {
        std::byte bytes[sizeof(V)];
    };

    template <class Value, class Slot>
    static Value* at(Slot& slot) {
        if constexpr (kWideValue<V>) return std::launder(reinterpret_cast<Value*>(&slot + 1));
        else return reinterpret_cast<Value*>(slot.value);
    }

    void* place() {
        if (used_ / kPerBlock == blocks_.size())
            blocks_.push_back(std::make_unique_for_overwrite<Storage[]>(kPerBlock));
        return blocks_[used_ / kPerBlock].get() + used_ % kPerBlock;
    }

    std::vector<std::unique_ptr<Storage[]>> blocks_;
    std::size_t used_ = 0;
};

}  // namespace tidemill::core
