// What changed in one key range of one table since the last freeze.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/chunk_keys.h"
#include "core/key_table.h"
#include "state/value_kind.h"

namespace tidemill::state {

// What a delta says about a key; in KeyTable::Slot::flags.
enum class Change : std::uint8_t {
    kNone = 0,     // only for a slot that was just inserted
    kOperand = 1,  // the number reduces whatever lies below
    kValue = 2,    // the value replaces whatever lies below
    kRemoved = 3,
};

inline Change changeOf(const core::KeyTable::Slot& slot) { return static_cast<Change>(slot.flags); }

// Numbers live in the slots, other values in an arena. Thread safety: worker-confined while it
// changes, immutable once frozen.
class RangeDelta {
public:
    using Slot = core::KeyTable::Slot;

    // `groupedFrom`: see StateTable.
    explicit RangeDelta(ValueKind kind, std::size_t groupedFrom = 0)
        : kind_(kind), groupedFrom_(groupedFrom), values_(std::make_unique<core::Arena>()) {}

    void merge(core::KeyViews keys, std::size_t count, const std::uint64_t* operands);
    void put(core::KeyViews keys, std::size_t count, const std::string_view* values);
    void put(std::string_view key, std::string_view value);
    void remove(std::string_view key);

    const Slot* find(std::string_view key) const { return keys_.find(key); }
    std::string_view keyOf(const Slot& slot) const { return keys_.keyOf(slot); }
    const Slot& slotAt(std::size_t rank) const { return keys_.slotAt(rank); }

    // Of a slot that holds a value or an operand; numbers as 8 bytes in the slot.
    std::string_view valueOf(const Slot& slot) const;

    ValueKind kind() const { return kind_; }
    std::size_t size() const { return keys_.size(); }
    bool empty() const { return keys_.size() == 0; }
    // Memory held.
    std::size_t bytes() const { return keys_.bytes() + values_->bytes(); }
    // Half of its keys or more, and not only a few, are removed ones.
    bool isMostlyRemoved() const;
    // The same without them, for a range that has nothing below: nobody misses them there.
    std::shared_ptr<RangeDelta> withoutRemoved() const;
    // What the table of keys takes more once `more` keys are changed; values not counted.
    std::size_t growthBytes(std::size_t more) const { return keys_.growthBytes(more); }

private:
    std::uint8_t groupOf(std::string_view key) const;
    void assign(Slot& slot, std::string_view value);
    void forgetValue(Slot& slot);
    void compactWhenWorth();

    const ValueKind kind_;
    const std::size_t groupedFrom_;
    core::KeyTable keys_;
    std::size_t removals_ = 0;  // at least as many as keys that are removed
    std::unique_ptr<core::Arena> values_;
    std::size_t usedBytes_ = 0;     // of values_, live or not
    std::size_t garbageBytes_ = 0;  // of values that were replaced
};

// The changes of a range in the order of its rows: key group, then key bytes. Groups are sorted
// when they are reached, so looking at a few rows sorts a few. The delta may grow meanwhile; what
// is added later is not seen. Thread safety: worker-confined.
class SortedChanges {
public:
    // `firstGroup` is the first of the range's groups. Shows keys whose first 8 bytes, as a number
    // with the high byte first, are below `wordsBefore`; 0: all.
    SortedChanges(const RangeDelta& delta, std::uint8_t firstGroup, std::uint64_t wordsBefore = 0);

    // Null at the end.
    const RangeDelta::Slot* current() const {
        return at_ == sorted_.size() ? nullptr : &delta_.slotAt(sorted_[at_].rank);
    }
    void next() {
        if (++at_ == sorted_.size()) nextGroup();
    }
    // To the first change not before (group, key).
    void seek(std::uint8_t group, std::string_view key);

    // The least first word of a key that was not shown, in the groups reached so far.
    std::uint64_t leastNotVisible() const { return leastNotVisible_; }

private:
    struct Entry {
        std::uint64_t high, low;  // the key's first 15 bytes, and its length up to 16
        std::uint32_t rank;
    };
    void nextGroup();
    void sortGroup(std::size_t index);
    bool less(const Entry& a, const Entry& b) const;

    const RangeDelta& delta_;
    std::uint8_t firstGroup_;
    std::uint64_t wordsBefore_;
    std::uint64_t leastNotVisible_ = std::numeric_limits<std::uint64_t>::max();
    std::array<std::uint32_t, 17> groupEnds_{};  // of ranks_, one longer than groups in a range
    std::vector<std::uint32_t> ranks_;           // by group
    std::size_t group_ = 0;                      // of sorted_, from firstGroup_ on
    std::vector<Entry> sorted_;
    std::size_t at_ = 0;
};

}  // namespace tidemill::state
