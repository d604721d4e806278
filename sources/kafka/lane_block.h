// The open block of a partition: records taken and not yet in the log. Private to sources/kafka/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/block_log.h"
#include "core/buffer_pool.h"
#include "core/ids.h"
#include "sources/kafka/kafka_position.h"
#include "sources/kafka/kafka_record.h"

namespace tidemill::sources::kafka {

struct BlockLimits {
    std::size_t recordBytesMax = 1 << 20;  // longer records are counted as oversize and left out
    std::size_t blockBytesMax = 4 << 20;
};

// Thread safety: externally synchronized.
class LaneBlock {
public:
    // `position`: where the log has the lane; empty: nowhere yet.
    LaneBlock(core::SourceId source, std::string lane, std::string position);

    const std::string& lane() const { return lane_; }
    // Behind all that was taken; the offset alone is cheaper.
    Position position() const;
    std::int64_t next() const { return next_; }

    enum class Taken { kYes, kOversize, kFull, kNoMemory };
    // kFull: flush() first. kNoMemory: the budget has no room; nothing was taken.
    Taken take(const KafkaRecord& record, core::BufferPool& pool, const BlockLimits& limits);

    // The lane goes on at `next`, whatever lies between; as a block without records, if no more
    // come before the next flush. Requires that nothing is open: flush() first.
    void moveTo(std::int64_t next);

    bool isOpen() const { return moved_; }
    // Appends what is open.
    core::BlockLog::Outcome flush(core::BlockLog& log);

private:
    const core::SourceId source_;
    const std::string lane_;
    std::string logged_;  // the position that the log has
    std::int64_t next_ = 0;
    Anchor anchor_;  // of what is logged or oversize; valid when hasAnchor_
    bool hasAnchor_ = false;
    bool moved_ = false;  // the lane is behind what is logged

    core::Buffer buffer_;
    std::size_t usedBytes_ = 0;
    std::size_t lastBytes_ = 0;  // of the last record in the buffer; 0: the anchor is the last one
    std::int64_t firstOffset_ = 0, lastOffset_ = 0, lastTimestamp_ = 0;
    std::uint32_t records_ = 0, oversize_ = 0;
    std::size_t nextCapacity_;
};

}  // namespace tidemill::sources::kafka
