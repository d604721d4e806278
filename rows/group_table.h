// The hash table of an aggregation: encoded keys and the records of their groups.
//
// A record of up to 8 bytes lies in the key's slot, one of up to 32 behind it in the same cache
// line; of longer ones the slot holds the address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/key_table.h"
#include "rows/group_layout.h"

namespace tidemill::rows {

// Thread safety: worker-confined.
class GroupTable {
public:
    using Slot = core::KeyTable::Slot;

    explicit GroupTable(std::shared_ptr<const GroupLayout> layout)
        : layout_(std::move(layout)),
          place_(layout_->recordBytes() <= sizeof(Slot::value)               ? Place::kInSlot
                 : layout_->recordBytes() <= core::KeyTable::kWideValueBytes ? Place::kBehindSlot
                                                                             : Place::kBeside),
          keys_(core::KeyTable::processSeed(), place_ == Place::kBehindSlot
                                                   ? core::KeyTable::Width::kWide
                                                   : core::KeyTable::Width::kNarrow) {}
    ~GroupTable() { destroyObjects(); }
    GroupTable(const GroupTable&) = delete;
    GroupTable& operator=(const GroupTable&) = delete;

    core::KeyTable& keys() { return keys_; }
    // Memory it has, about; looks at every group whose accumulators own objects.
    std::size_t bytes();

    // The record of each key, of at most kChunkRows; of new ones zeros. They stay where they are
    // until the next call.
    void locate(std::span<const std::string_view> keys, std::byte** records);

    std::byte* recordOf(Slot& slot) const {
        switch (place_) {
            case Place::kInSlot: return reinterpret_cast<std::byte*>(&slot.value);
            case Place::kBehindSlot: return reinterpret_cast<std::byte*>(&slot + 1);
            case Place::kBeside: break;
        }
        return reinterpret_cast<std::byte*>(slot.value);
    }

    // The groups of `from` with these ranks, which come later in the stream.
    void merge(GroupTable& from, std::span<const std::uint32_t> ranks);

    // Forgets all groups and keeps the memory.
    void clear();

private:
    enum class Place { kInSlot, kBehindSlot, kBeside };
    static constexpr std::size_t kPerBlock = 1024;

    std::byte* freshRecord(Slot& slot);
    void destroyObjects();

    const std::shared_ptr<const GroupLayout> layout_;
    const Place place_;
    core::KeyTable keys_;
    std::vector<std::unique_ptr<std::byte[]>> blocks_;  // of records that lie beside
    std::size_t used_ = 0;
};

}  // namespace tidemill::rows
