#include "rows/group_table.h"

#include <algorithm>
#include <array>
#include <bit>

#include "rows/chunk.h"

namespace tidemill::rows {

void GroupTable::locate(std::span<const std::string_view> keys, std::byte** records) {
    std::array<Slot*, kChunkRows> slots;
    std::array<std::uint64_t, kChunkRows / 64> fresh;
    keys_.locate(reinterpret_cast<const char*>(keys.data()), sizeof(std::string_view), keys.size(),
                 slots.data(), fresh.data());
    for (std::size_t begin = 0; begin < keys.size(); begin += 64)
        for (auto bits = fresh[begin / 64]; bits != 0; bits &= bits - 1) {
            const auto i = begin + static_cast<std::size_t>(std::countr_zero(bits));
            if (i < keys.size()) freshRecord(*slots[i]);
        }
    switch (place_) {
        case Place::kInSlot:
            for (std::size_t i = 0; i < keys.size(); ++i)
                records[i] = reinterpret_cast<std::byte*>(&slots[i]->value);
            return;
        case Place::kBehindSlot:
            for (std::size_t i = 0; i < keys.size(); ++i)
                records[i] = reinterpret_cast<std::byte*>(slots[i] + 1);
            return;
        case Place::kBeside:
            for (std::size_t i = 0; i < keys.size(); ++i)
                records[i] = reinterpret_cast<std::byte*>(slots[i]->value);
    }
}

std::byte* GroupTable::freshRecord(Slot& slot) {
    if (place_ == Place::kBeside) {
        if (used_ / kPerBlock == blocks_.size())
            blocks_.push_back(
                std::make_unique_for_overwrite<std::byte[]>(kPerBlock * layout_->recordBytes()));
        slot.value = reinterpret_cast<std::uint64_t>(blocks_[used_ / kPerBlock].get() +
                                                     used_ % kPerBlock * layout_->recordBytes());
        ++used_;
    }
    std::byte* const record = recordOf(slot);
    std::memset(record, 0, layout_->recordBytes());
    return record;
}

void GroupTable::merge(GroupTable& from, std::span<const std::uint32_t> ranks) {
    std::array<std::string_view, kChunkRows> keys;
    std::array<const std::byte*, kChunkRows> others;
    std::array<std::byte*, kChunkRows> records;
    while (!ranks.empty()) {
        const auto some = ranks.first(std::min(ranks.size(), kChunkRows));
        ranks = ranks.subspan(some.size());
        for (std::size_t i = 0; i < some.size(); ++i) {
            from.keys_.prefetchAt(some[std::min(i + core::KeyTable::kRanksAhead, some.size() - 1)]);
            auto& slot = from.keys_.slotAt(some[i]);
            keys[i] = from.keys_.keyOf(slot);
            others[i] = from.recordOf(slot);
        }
        locate(std::span(keys).first(some.size()), records.data());
        for (std::size_t i = 0; i < some.size(); ++i) layout_->merge(records[i], others[i]);
    }
}

std::size_t GroupTable::bytes() {
    std::size_t bytes = keys_.bytes() + blocks_.size() * kPerBlock * layout_->recordBytes();
    if (layout_->isFixed()) return bytes;
    for (std::size_t rank = 0; rank < keys_.size(); ++rank)
        bytes += layout_->objectBytes(recordOf(keys_.slotAt(rank)));
    return bytes;
}

void GroupTable::clear() {
    destroyObjects();
    keys_.clear();
    used_ = 0;
}

void GroupTable::destroyObjects() {
    if (layout_->isFixed()) return;
    for (std::size_t rank = 0; rank < keys_.size(); ++rank)
        layout_->destroy(recordOf(keys_.slotAt(rank)));
}

}  // namespace tidemill::rows
