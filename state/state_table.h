// One state table, cut into the fixed key ranges, so that tasks can change it in parallel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/chunk_keys.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/key_group.h"
#include "core/stream_node.h"
#include "state/value_kind.h"

namespace tidemill::state {

class RangeDelta;
class RocksSnapshot;
class StateStore;
class StateTable;
struct RangeView;

// Answers of StateRange::get, in the order of the keys; reused from chunk to chunk.
class Lookup {
public:
    Lookup();
    ~Lookup();
    std::size_t size() const { return entries_.size(); }
    bool found(std::size_t i) const { return entries_[i].found; }
    // The value's bytes as ValueCodec wrote them; of numbers, their 8. They hold until this
    // object's next use or the next change of the range.
    std::string_view bytes(std::size_t i) const {
        const Entry& entry = entries_[i];
        return entry.data == nullptr
                   ? std::string_view(reinterpret_cast<const char*>(&entry.number), 8)
                   : std::string_view(entry.data, entry.number);
    }
    // Requires found(i) and a table of numbers.
    std::uint64_t number(std::size_t i) const { return entries_[i].number; }

private:
    friend class StateRange;
    struct Entry {
        const char* data = nullptr;  // null: a number
        std::uint64_t number = 0;    // or the length
        bool found = false;
    };
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> missing_;  // positions to ask RocksDB for
    std::string rows_;
    std::vector<std::string_view> rowViews_;
    std::vector<std::optional<std::string_view>> stored_;
    core::Arena arena_;
    std::shared_ptr<const RangeDelta> active_;
    std::shared_ptr<const RangeView> view_;
};

// How large what one operator stores may become; kept small, tests reach the bounds.
struct StateLimits {
    static constexpr std::size_t kRowBytesMost = std::size_t{1} << 30;

    std::string owner;                     // the operator, for messages
    std::size_t rowBytes = kRowBytesMost;  // a key with its value
    std::size_t pieceBytes = 4 << 20;      // pairs that are stored as one row
    std::size_t scanBytes = 64 << 20;      // rows of a pane that are worked on at a time

    static StateLimits of(std::string owner, std::size_t rowBytesMax);
    // Errors: kInvalid, with the operator, the key and the sizes.
    core::Result<> check(std::string_view key, std::size_t valueBytes) const;
};

// Where a walk begins and which rows it sees.
struct WalkOptions {
    // Only keys that begin with this.
    std::string_view prefix{};
    // Only keys whose first 8 bytes, as a number with the high byte first, are below this; 0: all.
    // Not together with a prefix.
    std::uint64_t wordsBefore = 0;
    // Only keys of the range's first key group.
    bool firstGroupOnly = false;
};

// All live rows of one range in constant memory, ordered by (key group, key bytes): the order of
// the rows in RocksDB. Sees the range as it was when the walk began; the key at hand may be
// replaced or removed. Belongs to the worker that owns the range; ends before the store does.
class Walker {
public:
    Walker(Walker&&) noexcept;
    Walker& operator=(Walker&&) noexcept;
    ~Walker();

    // Goes to the first or the next row; false at the end. Errors: kIo, kCorrupt.
    core::Result<bool> next();

    // Goes before the first row that is not before (group, key); next() goes there.
    void seek(std::uint8_t group, std::string_view key);

    // When next() has answered false: at most the least first word of the keys that `wordsBefore`
    // left out.
    std::uint64_t leastNotVisible() const;

    // Of the row at hand; until the next call of any other member.
    std::string_view key() const;
    std::string_view value() const;

    // Writes the row at hand only if `value` differs from what it holds.
    core::Result<> replace(std::string_view value);
    core::Result<> remove();

private:
    friend class StateRange;
    struct Impl;
    explicit Walker(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The keys of one range (core::keyRangeOf(core::keyGroup(key))) of one table. Keys of other ranges
// must not be given to it. Whatever changes it may write deltas out when they are full.
// Thread safety: one worker at a time, except against the store's own ingests.
// Errors of all members: kIo, kNoSpace, kCorrupt; of those that change: kInvalid, a row that is
// larger than StateLimits::rowBytes.
class StateRange {
public:
    StateRange(StateStore& store, StateTable& table, std::uint32_t range);
    ~StateRange();

    // Reduces operands into the values of `count` (at most core::kChunkElements) keys; never reads.
    // Requires a table of numbers.
    core::Result<> merge(core::KeyViews keys, std::size_t count, const std::uint64_t* operands);

    // Looks up to core::kChunkElements keys up, with at most one read of RocksDB for all.
    core::Result<> get(core::KeyViews keys, std::size_t count, Lookup& into);

    core::Result<> put(core::KeyViews keys, std::size_t count, const std::string_view* values);
    core::Result<> put(std::string_view key, std::string_view value);
    core::Result<> remove(std::string_view key);

    Walker walk(const WalkOptions& options = {});

    const StateTable& table() const { return table_; }
    StateLimits limits() const;
    std::uint32_t number() const { return range_; }
    std::uint8_t firstGroup() const {
        return static_cast<std::uint8_t>(range_ * (core::kKeyGroups / core::kKeyRanges));
    }

private:
    friend class StateStore;
    friend class Walker;

    struct Pinned {
        std::shared_ptr<const RangeDelta> active;
        std::shared_ptr<const RangeView> view;
    };
    Pinned pin() const;
    // `count` keys are changed by `f`.
    template <class F>
    core::Result<> change(std::size_t count, F&& f);
    std::size_t reserve(std::size_t count);
    core::Result<> checkSizes(core::KeyViews keys, std::size_t count,
                              const std::string_view* values) const;

    struct Frozen {
        std::shared_ptr<const RangeDelta> delta;   // what was active; null when empty
        std::shared_ptr<const RangeDelta> former;  // whose place it takes; large to destroy
        std::size_t countedBytes;                  // still in the store's sum of active bytes
    };
    // For the store: shows the active delta as the frozen one.
    Frozen freeze();
    // Lets readers see `rows`, which hold all that was frozen, below the active delta.
    void show(std::shared_ptr<const RocksSnapshot> rows);
    template <class KeyAt>
    core::Result<> readRows(const RangeView& view, KeyAt&& keyAt, Lookup& into) const;

    StateStore& store_;
    StateTable& table_;
    const std::uint32_t range_;
    const std::size_t rowBytesMax_;
    mutable std::mutex mutex_;  // the owner against the thread that freezes and ingests
    std::shared_ptr<RangeDelta> active_;
    std::size_t countedBytes_ = 0;  // of active_, in the store's sum
    std::shared_ptr<const RangeView> view_;
};

// Thread safety: immutable; the ranges are handed out one to a worker.
class StateTable {
public:
    // `groupedFrom`: the key group of a row follows from its key without so many first bytes.
    StateTable(StateStore& store, core::OperatorId operatorId, std::uint8_t number, ValueKind kind,
               std::size_t groupedFrom = 0);

    core::OperatorId operatorId() const { return operatorId_; }
    std::uint8_t number() const { return number_; }
    ValueKind kind() const { return kind_; }
    std::size_t groupedFrom() const { return groupedFrom_; }
    std::uint8_t groupOf(std::string_view key) const {
        return core::keyGroup(key.substr(groupedFrom_));
    }

    StateRange& range(std::uint32_t range) { return *ranges_[range]; }
    StateRange& rangeOf(std::string_view key) { return range(core::keyRangeOf(groupOf(key))); }

private:
    const core::OperatorId operatorId_;
    const std::uint8_t number_;
    const ValueKind kind_;
    const std::size_t groupedFrom_;
    std::array<std::unique_ptr<StateRange>, core::kKeyRanges> ranges_;
};

}  // namespace tidemill::state
