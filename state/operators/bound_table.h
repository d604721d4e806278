// The state of one operator as the operator sees it: its table, once the job has started, and what
// the program asked for beside it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/batch_run.h"
#include "core/stream_node.h"
#include "state/idle_keys.h"
#include "state/state_table.h"
#include "state/time_rows.h"

namespace tidemill::state {

// Tables of one operator. The one that people look at:
inline constexpr std::uint8_t kShownTable = 0;
// of an operator with keys:
inline constexpr std::uint8_t kTouchedTable = 1;  // see IdleKeys
inline constexpr std::uint8_t kTouchTimesTable = 2;
inline constexpr std::uint8_t kBeginTable = 3;  // TimeRows: a row once the initial states are there
// of a window, see WindowTables:
inline constexpr std::uint8_t kPanesTable = 1;
inline constexpr std::uint8_t kOpenTable = 2;

// What a stream needs that shows a table. Thread safety: set up before the job starts; immutable
// then.
struct ShownTable {
    StateTable* table = nullptr;
    // Of that stream; zero: it has every batch.
    Duration slide{0};
};

// Thread safety: set up before the job starts; then as said.
struct BoundTable : ShownTable {
    // A key that no record has touched for longer than this loses its state; zero: never.
    Duration ttl{0};
    // Encoded keys and values that a new operator begins with.
    std::vector<std::pair<std::string, std::string>> initial;

    std::array<std::optional<IdleKeys>, core::kKeyRanges> idle;  // when there is a ttl
    StateTable* begin = nullptr;                                 // when there are initial states

    void bind(StateStore& store, core::OperatorId id, ValueKind kind);

    // Sets the initial states once in the life of a data directory. Called by the scheduler's
    // thread when a batch begins.
    void beginBatch(const core::BatchRun& run);

    // Notes the keys of a range that the batch touched. By the range's owner.
    void touch(std::uint32_t range, core::KeyViews keys, std::size_t count) {
        if (auto& of = idle[range]) core::orThrow(of->touch(now_, keys, count));
    }

    // Removes what has been idle for too long, on the workers. Called behind the batch's changes.
    void removeIdle(core::BatchRun& run);

    // The keys touched last before this are idle.
    BatchTime idleBefore() const { return now_ - ttl; }

private:
    BatchTime now_{};
    bool begun_ = false;
};

}  // namespace tidemill::state
