// Which keys of a state table no record has touched for long: what timeouts and the lifetime of
// states (TTL) are made of. Each key has one timer. A touch changes the key's time only; a timer
// whose key was touched since is set anew when it is looked at. So the cost follows the keys
// touched and the keys found, not the table, and a key touched in every batch has one row.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/chunk_keys.h"
#include "core/error.h"
#include "core/time.h"
#include "state/state_table.h"

namespace tidemill::state {

// Of one key range. Timers hold times of touches, not deadlines: how long a key may be idle can
// change from life to life. Thread safety: worker-confined, with the range. Errors of all members:
// kIo, kNoSpace, kCorrupt.
class IdleKeys {
public:
    // A timer's key: a time, 8 bytes big-endian, and the key whose group is the row's.
    static constexpr std::size_t kTimeBytes = 8;

    // `touched`: key -> the last batch time that touched it, a table of ValueKind::kMaxI64;
    // `timers`: a table of bytes that is grouped from kTimeBytes on.
    IdleKeys(StateRange& touched, StateRange& timers) : touched_(touched), timers_(timers) {}

    // A batch at `time` touched these keys, at most core::kChunkElements of them, each once.
    core::Result<> touch(BatchTime time, core::KeyViews keys, std::size_t count);

    // Calls idle(key) for every key that was last touched before `before`, and forgets it. The
    // function may change other tables; the key's bytes hold until it returns.
    core::Result<> takeIdle(BatchTime before,
                            const std::function<core::Result<>(std::string_view key)>& idle);

    // Forgets all keys.
    core::Result<> clear();

private:
    core::Result<> set(std::uint64_t time, std::string_view key);
    core::Result<> takeFrom(const std::vector<std::string>& timers, std::uint64_t end,
                            const std::function<core::Result<>(std::string_view key)>& idle);

    StateRange& touched_;
    StateRange& timers_;
    // No timer has an earlier time: nothing need be looked at before that is due.
    std::uint64_t earliest_ = 0;
    std::vector<std::uint64_t> operands_;
};

}  // namespace tidemill::state
