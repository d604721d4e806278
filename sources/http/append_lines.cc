#include "sources/http/append_lines.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "core/lanes.h"
#include "sources/http/request_body.h"

namespace tidemill::sources::http {
namespace {

using Outcome = Logged::Outcome;

// Null: the budget has no room.
core::BlockPtr makeBlock(core::BufferPool& pool, const LinesToLog& lines, std::uint64_t skipped) {
    const auto text = lines.text.substr(behindLines(lines.text, skipped));
    auto buffer = pool.tryAcquire(std::max<std::size_t>(text.size(), 1));
    if (!buffer) return nullptr;
    std::memcpy(buffer.data(), text.data(), text.size());
    core::BlockOrigin origin;
    origin.source = lines.source;
    origin.firstLine = lines.firstLine + skipped;
    origin.lines = lines.count - static_cast<std::uint32_t>(skipped);
    if (lines.lane.empty()) origin.connection = lines.connection;
    else core::setLineLane(origin, lines.lane);
    return std::make_shared<core::Block>(std::move(buffer), text.size(), std::move(origin));
}

}  // namespace

Logged appendLines(core::BlockLog& log, core::BufferPool& pool, const LinesToLog& lines) {
    for (;;) {
        std::uint64_t skipped = 0;
        if (!lines.lane.empty()) {
            const auto position = log.sessionLines(lines.lane);
            if (lines.firstLine > position + 1) return {Outcome::kGap, {}, 0, position};
            skipped = position + 1 - lines.firstLine;
            // Its first request may still be on its way to the disk.
            if (skipped >= lines.count) return {Outcome::kDone, log.last(), 0, position};
            if (position == 0 && log.laneCount() >= lines.sessionsMax)
                return {Outcome::kTooManySessions, {}, 0, 0};
        } else if (lines.count == 0) {
            return {Outcome::kDone, {}, 0, 0};
        }
        const auto block = makeBlock(pool, lines, skipped);
        if (!block) return {Outcome::kNoMemory, {}, 0, 0};
        switch (log.append(block)) {
            case core::BlockLog::Outcome::kQueued:
                return {Outcome::kDone, block->lsn(), block->origin().lines,
                        block->origin().nextLine() - 1};
            case core::BlockLog::Outcome::kFailed: return {Outcome::kFailed, {}, 0, 0};
            // Another request of the session came in between: what is left to do is seen anew.
            case core::BlockLog::Outcome::kStale: break;
        }
    }
}

}  // namespace tidemill::sources::http
