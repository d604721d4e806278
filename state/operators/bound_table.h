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
inline constexpr std::uint8_t kVisibleTable = 0;
// of an operator with keys:
inline constexpr std::uint8_t kTouchedTable = 1;  // see IdleKeys
inline constexpr std::uint8_t kTimersTable = 2;
inline constexpr std::uint8_t kSettingsTable = 3;  // TimeRows, each row by one of these numbers:
inline constexpr std::uint64_t kInitialRow = 0;    // which initial states were taken or passed over
inline constexpr std::uint64_t kLifetimeRow = 1;   // how long a key may be idle, in milliseconds
// of a window, see WindowTables:
inline constexpr std::uint8_t kPanesTable = 1;
inline constexpr std::uint8_t kOpenTable = 2;

// What a stream needs that shows a table. Thread safety: set up before the job starts; immutable
// then.
struct VisibleTable {
    StateTable* table = nullptr;
    // Of that stream; zero: it has every batch.
    Duration slide{0};
};

// What a start knows of a stateful operator.
struct OperatorStart {
    std::string name;
    // The data directory holds no state of it.
    bool isNew = true;
    // Of the record of the batch in which new operators take their initial states; see
    // Job::beginFingerprint.
    std::uint64_t beginFingerprint = 0;
};

// Thread safety: set up before the job starts; then as said.
struct BoundTable : VisibleTable {
    // A key that no record has touched for longer than this loses its state; zero: never.
    Duration ttl{0};
    // Encoded keys and values that a new operator begins with.
    std::vector<std::pair<std::string, std::string>> initial;

    std::array<std::optional<IdleKeys>, core::kKeyRanges> idle;  // when there is a ttl

    void bind(StateStore& store, core::OperatorId id, ValueKind kind, OperatorStart start);

    // In the first batch after a start: sets the initial states of an operator that had no state
    // before, and adapts to a lifetime that is new or gone. Called by the scheduler's thread when a
    // batch begins.
    void beginBatch(core::BatchRun& run);

    // Notes the keys of a range that the batch touched. By the range's owner.
    void touch(std::uint32_t range, core::KeyViews keys, std::size_t count) {
        if (auto& of = idle[range]) core::orThrow(of->touch(now_, keys, count));
    }

    // Removes what has been idle for too long, on the workers. Called behind the batch's changes.
    void removeIdle(core::BatchRun& run);

    // The keys touched last before this are idle.
    BatchTime idleBefore() const { return now_ - ttl; }

private:
    void openTimers();
    void adaptLifetime(core::BatchRun& run);
    void takeInitial(const core::BatchRun& run);
    std::string setting(std::uint64_t row);
    void set(std::uint64_t row, std::string_view value);

    StateStore* store_ = nullptr;
    core::OperatorId id_;
    OperatorStart start_;
    StateTable* settings_ = nullptr;
    BatchTime now_{};
    bool begun_ = false;
};

}  // namespace tidemill::state
