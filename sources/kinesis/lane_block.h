// The open block of a shard: records taken and not yet in the log. Private to sources/kinesis/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/ids.h"
#include "sources/kinesis/kinesis_record.h"
#include "sources/kinesis/position.h"

namespace tidemill::sources::kinesis {

struct BlockLimits {
    std::size_t recordBytesMax = 1 << 20;  // longer records are counted as oversize and left out
    std::size_t blockBytesMax = 4 << 20;
};

// Thread safety: externally synchronized.
class LaneBlock {
public:
    // `logged`: where the log has the lane; `position`: the same decoded, or where it begins when
    // the log has nothing.
    LaneBlock(core::SourceId source, std::string lane, std::string logged, Position position);

    const std::string& lane() const { return lane_; }
    // Behind all that was taken.
    const Position& position() const { return position_; }

    enum class Taken { kYes, kOversize, kFull, kNoMemory };
    // `hash`: of the service's record that it is, or is a part of. kFull: flush() first. kNoMemory:
    // the budget has no room; nothing was taken.
    Taken take(const KinesisRecord& record, std::uint64_t hash, core::BufferPool& pool,
               const BlockLimits& limits);

    // All that had arrived by then was taken. Logged with what comes next, or by itself when the
    // log's is ten minutes older.
    void readUntil(std::int64_t millis);

    // The lane goes on at `position`, whatever lies between; as a block without records, if no more
    // come before the next flush.
    void moveTo(Position position);

    bool isOpen() const { return moved_; }
    // Appends what is open.
    core::BlockLog::Outcome flush(core::BlockLog& log);
    // Has the log forget the lane. Requires that nothing is open.
    core::BlockLog::Outcome forget(core::BlockLog& log);

private:
    core::BlockLog::Outcome append(core::BlockLog& log, std::string to);

    const core::SourceId source_;
    const std::string lane_;
    std::string logged_;  // the position that the log has
    std::int64_t loggedUntil_ = 0;
    Position position_;
    bool moved_ = false;  // the lane is behind what is logged

    core::Buffer buffer_;
    std::size_t usedBytes_ = 0;
    std::uint32_t records_ = 0, oversize_ = 0;
    std::size_t nextCapacity_;
};

}  // namespace tidemill::sources::kinesis
