// The way of a request's lines into the log: all of them, or none. Private to sources/http/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/ids.h"

namespace tidemill::sources::http {

struct LinesToLog {
    core::SourceId source;
    std::string_view text;  // of whole lines
    std::uint32_t count = 0;
    std::string lane;              // empty: of a connection
    std::uint64_t firstLine = 1;   // in the lane or the connection
    std::uint64_t connection = 0;  // without a lane
    std::size_t sessionsMax = 0;   // a lane that the log does not know beyond it is refused
};

struct Logged {
    enum class Outcome {
        kDone,  // once `lsn` is durable all lines are, now or from an earlier request
        kGap,   // the lane is not that far
        kTooManySessions,
        kNoMemory,  // the budget has no room
        kFailed,    // the log takes nothing more
    };
    Outcome outcome = Outcome::kDone;
    core::Lsn lsn;
    std::uint64_t taken = 0;     // lines that the log had not got before
    std::uint64_t position = 0;  // lines of the lane in the log
};

// One block, so that a crash leaves all of it or nothing. Of a lane only what the log has not got
// yet; the check and the append are one step. Thread safety: thread-safe.
Logged appendLines(core::BlockLog& log, core::BufferPool& pool, const LinesToLog& lines);

}  // namespace tidemill::sources::http
