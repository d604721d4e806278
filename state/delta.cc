#include "state/delta.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/big_endian.h"
#include "core/check.h"
#include "core/chunk.h"
#include "core/key_group.h"
#include "core/stream_node.h"
#include "core/workers.h"

namespace tidemill::state {
namespace {

constexpr std::size_t kGroupsPerRange = core::kKeyGroups / core::kKeyRanges;
constexpr std::size_t kWorthCompactingBytes = 256 << 10;
constexpr std::size_t kWorthForgettingRemovals = 256;

// A value in the arena: u32 room, u32 size, the bytes.
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kValueBytesMax = (std::size_t{1} << 31) - 1;

char* valueAt(std::uint64_t slotValue) { return reinterpret_cast<char*>(slotValue); }
std::uint32_t load(const char* from) {
    std::uint32_t v;
    std::memcpy(&v, from, sizeof v);
    return v;
}
void store(char* to, std::size_t v) {
    const auto narrow = static_cast<std::uint32_t>(v);
    std::memcpy(to, &narrow, sizeof narrow);
}

void set(RangeDelta::Slot& slot, Change change) { slot.flags = static_cast<std::uint8_t>(change); }

}  // namespace

std::string_view RangeDelta::valueOf(const Slot& slot) const {
    if (isNumber(kind_)) return {reinterpret_cast<const char*>(&slot.value), 8};
    const char* at = valueAt(slot.value);
    return {at + kHeaderBytes, load(at + 4)};
}

std::uint8_t RangeDelta::groupOf(std::string_view key) const {
    return core::keyGroup(key.substr(groupedFrom_));
}

void RangeDelta::merge(core::KeyViews keys, std::size_t count, const std::uint64_t* operands) {
    TM_CHECK(isNumber(kind_), "operands are merged into a table that is not of numbers");
    Slot* slots[core::kChunkElements];
    std::uint64_t fresh[core::kChunkElements / 64];
    keys_.locate(keys.first, keys.strideBytes, count, slots, fresh);
    for (std::size_t i = 0; i < count; ++i) {
        Slot& slot = *slots[i];
        switch (changeOf(slot)) {
            case Change::kNone:
                slot.group = groupOf(keys_.keyOf(slot));
                slot.value = operands[i];
                set(slot, Change::kOperand);
                break;
            case Change::kRemoved:
                slot.value = operands[i];
                set(slot, Change::kValue);
                break;
            default: slot.value = reduceNumbers(kind_, slot.value, operands[i]);
        }
    }
}

void RangeDelta::put(core::KeyViews keys, std::size_t count, const std::string_view* values) {
    Slot* slots[core::kChunkElements];
    std::uint64_t fresh[core::kChunkElements / 64];
    keys_.locate(keys.first, keys.strideBytes, count, slots, fresh);
    for (std::size_t i = 0; i < count; ++i) {
        if (changeOf(*slots[i]) == Change::kNone) slots[i]->group = groupOf(keys_.keyOf(*slots[i]));
        assign(*slots[i], values[i]);
    }
    compactWhenWorth();
}

void RangeDelta::put(std::string_view key, std::string_view value) {
    bool fresh = false;
    Slot& slot = keys_.insert(key, fresh);
    if (fresh) slot.group = groupOf(key);
    assign(slot, value);
    compactWhenWorth();
}

void RangeDelta::remove(std::string_view key) {
    bool fresh = false;
    Slot& slot = keys_.insert(key, fresh);
    if (fresh) slot.group = groupOf(key);
    forgetValue(slot);
    if (changeOf(slot) != Change::kRemoved) ++removals_;
    slot.value = 0;
    set(slot, Change::kRemoved);
}

bool RangeDelta::isMostlyRemoved() const {
    return removals_ >= kWorthForgettingRemovals && 2 * removals_ >= keys_.size();
}

std::shared_ptr<RangeDelta> RangeDelta::withoutRemoved() const {
    auto made = std::make_shared<RangeDelta>(kind_, groupedFrom_);
    for (std::size_t rank = 0; rank < keys_.size(); ++rank) {
        const Slot& slot = keys_.slotAt(rank);
        if (changeOf(slot) == Change::kRemoved) continue;
        bool fresh = false;
        Slot& copy = made->keys_.insert(keys_.keyOf(slot), fresh);
        copy.group = slot.group;
        if (!isNumber(kind_)) {
            made->assign(copy, valueOf(slot));
        } else {
            copy.value = slot.value;
            copy.flags = slot.flags;
        }
    }
    return made;
}

void RangeDelta::forgetValue(Slot& slot) {
    if (!isNumber(kind_) && changeOf(slot) == Change::kValue)
        garbageBytes_ += kHeaderBytes + load(valueAt(slot.value));
}

void RangeDelta::assign(Slot& slot, std::string_view value) {
    if (isNumber(kind_)) {
        TM_CHECK(value.size() == 8, "a number put into a state table is not 8 bytes long");
        std::memcpy(&slot.value, value.data(), 8);
        return set(slot, Change::kValue);
    }
    if (value.size() > kValueBytesMax)
        throw core::TaskFailure(
            core::Error{core::ErrorKind::kInvalid,
                        "a value of the state, or what a window keeps of one key and pane, has " +
                            std::to_string(value.size()) + " bytes; at most " +
                            std::to_string(kValueBytesMax) + " can be kept"});
    char* at = nullptr;
    if (changeOf(slot) == Change::kValue && load(valueAt(slot.value)) >= value.size()) {
        at = valueAt(slot.value);
    } else {
        forgetValue(slot);
        at = values_->allocate(kHeaderBytes + value.size());
        usedBytes_ += kHeaderBytes + value.size();
        store(at, value.size());
    }
    store(at + 4, value.size());
    // memmove: the new value may be a part of the old one.
    if (!value.empty()) std::memmove(at + kHeaderBytes, value.data(), value.size());
    slot.value = reinterpret_cast<std::uint64_t>(at);
    set(slot, Change::kValue);
}

void RangeDelta::compactWhenWorth() {
    if (garbageBytes_ < kWorthCompactingBytes || 2 * garbageBytes_ < usedBytes_) return;
    auto compacted = std::make_unique<core::Arena>();
    usedBytes_ = garbageBytes_ = 0;
    for (std::size_t rank = 0; rank < keys_.size(); ++rank) {
        Slot& slot = keys_.slotAt(rank);
        if (changeOf(slot) != Change::kValue) continue;
        const std::string_view value = valueOf(slot);
        char* at = compacted->allocate(kHeaderBytes + value.size());
        store(at, value.size());
        store(at + 4, value.size());
        if (!value.empty()) std::memcpy(at + kHeaderBytes, value.data(), value.size());
        slot.value = reinterpret_cast<std::uint64_t>(at);
        usedBytes_ += kHeaderBytes + value.size();
    }
    values_ = std::move(compacted);
}

SortedChanges::SortedChanges(const RangeDelta& delta, std::uint8_t firstGroup,
                             std::uint64_t wordsBefore)
    : delta_(delta), firstGroup_(firstGroup), wordsBefore_(wordsBefore) {
    const std::size_t count = delta.size();
    const auto groupAt = [&](std::size_t rank) {
        return static_cast<std::size_t>(delta_.slotAt(rank).group - firstGroup_);
    };
    for (std::size_t rank = 0; rank < count; ++rank) {
        TM_CHECK(groupAt(rank) < kGroupsPerRange, "a key was given to a range of other keys");
        ++groupEnds_[groupAt(rank) + 1];
    }
    for (std::size_t i = 1; i < groupEnds_.size(); ++i) groupEnds_[i] += groupEnds_[i - 1];
    auto filled = groupEnds_;
    ranks_.resize(count);
    for (std::size_t rank = 0; rank < count; ++rank)
        ranks_[filled[groupAt(rank)]++] = static_cast<std::uint32_t>(rank);
    sortGroup(0);
    if (sorted_.empty()) nextGroup();
}

bool SortedChanges::less(const Entry& a, const Entry& b) const {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    if ((a.low & 0xFF) != 16) return false;
    return delta_.keyOf(delta_.slotAt(a.rank)) < delta_.keyOf(delta_.slotAt(b.rank));
}

// Keys compare as two big-endian words; only those that agree in 15 bytes are looked at in full.
void SortedChanges::sortGroup(std::size_t index) {
    group_ = index;
    at_ = 0;
    sorted_.clear();
    for (std::size_t i = groupEnds_[index]; i < groupEnds_[index + 1]; ++i) {
        const std::string_view key = delta_.keyOf(delta_.slotAt(ranks_[i]));
        char prefix[16] = {};
        std::memcpy(prefix, key.data(), std::min<std::size_t>(key.size(), 15));
        prefix[15] = static_cast<char>(std::min<std::size_t>(key.size(), 16));
        const auto first = core::loadBigEndian<std::uint64_t>(prefix);
        if (wordsBefore_ != 0 && first >= wordsBefore_) {
            leastNotVisible_ = std::min(leastNotVisible_, first);
            continue;
        }
        sorted_.push_back({first, core::loadBigEndian<std::uint64_t>(prefix + 8), ranks_[i]});
    }
    std::sort(sorted_.begin(), sorted_.end(),
              [this](const Entry& a, const Entry& b) { return less(a, b); });
}

void SortedChanges::nextGroup() {
    while (at_ == sorted_.size() && group_ + 1 < kGroupsPerRange) sortGroup(group_ + 1);
}

void SortedChanges::seek(std::uint8_t group, std::string_view key) {
    sortGroup(static_cast<std::size_t>(group - firstGroup_));
    at_ = static_cast<std::size_t>(
        std::lower_bound(sorted_.begin(), sorted_.end(), key,
                         [this](const Entry& entry, std::string_view wanted) {
                             return delta_.keyOf(delta_.slotAt(entry.rank)) < wanted;
                         }) -
        sorted_.begin());
    if (at_ == sorted_.size()) nextGroup();
}

}  // namespace tidemill::state
