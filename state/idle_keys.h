// Which keys of a state table no record has touched for long: what timeouts and the lifetime of
// states (TTL) are made of. The cost follows the keys touched and the keys found, not the table.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/chunk_keys.h"
#include "core/error.h"
#include "core/time.h"
#include "state/state_table.h"
#include "state/time_rows.h"

namespace tidemill::state {

// Of one key range. Thread safety: worker-confined, with the range. Errors of all members: kIo,
// kNoSpace, kCorrupt.
class IdleKeys {
public:
    // `touched`: key -> the last batch time that touched it, a table of ValueKind::kMaxI64;
    // `times`: batch time -> the keys it touched, a table of bytes for TimeRows.
    IdleKeys(StateRange& touched, StateRange& times) : touched_(touched), times_(times) {}

    // A batch at `time` touched these keys, at most core::kChunkElements of them.
    core::Result<> touch(BatchTime time, core::KeyViews keys, std::size_t count);

    // Calls idle(key) for every key that was last touched before `before`, and forgets it. The
    // function may change other tables; the key's bytes hold until it returns.
    core::Result<> takeIdle(BatchTime before,
                            const std::function<core::Result<>(std::string_view key)>& idle);

private:
    core::Result<> takeFrom(std::uint64_t time, std::span<const std::string_view> keys,
                            const std::function<core::Result<>(std::string_view key)>& idle);

    StateRange& touched_;
    TimeRows times_;
    std::vector<std::uint64_t> operands_;
};

}  // namespace tidemill::state
