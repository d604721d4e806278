#include "sources/kinesis/lane_block.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/check.h"
#include "sources/kinesis/record_block.h"

namespace tidemill::sources::kinesis {
namespace {

constexpr std::size_t kFirstCapacity = 16 << 10;
constexpr std::size_t kLengthBytes = 4;
constexpr std::int64_t kQuietMillis = 600'000;

}  // namespace

LaneBlock::LaneBlock(core::SourceId source, std::string lane, std::string logged, Position position)
    : source_(source),
      lane_(std::move(lane)),
      logged_(std::move(logged)),
      loggedUntil_(position.readUntilMillis),
      position_(std::move(position)),
      moved_(logged_.empty()),
      nextCapacity_(kFirstCapacity) {}

LaneBlock::Taken LaneBlock::take(const KinesisRecord& record, std::uint64_t hash,
                                 core::BufferPool& pool, const BlockLimits& limits) {
    const std::size_t bytes = encodedBytes(record);
    const bool isOversize = record.data.size() > limits.recordBytesMax;
    if (!isOversize) {
        if (buffer_ && usedBytes_ + kLengthBytes + bytes > buffer_.capacity()) {
            nextCapacity_ = std::min(2 * buffer_.capacity(), limits.blockBytesMax);
            return Taken::kFull;
        }
        if (!buffer_) buffer_ = pool.tryAcquire(std::max(nextCapacity_, kLengthBytes + bytes));
        if (!buffer_) return Taken::kNoMemory;
        char* at = buffer_.data() + usedBytes_;
        for (std::size_t i = 0; i < kLengthBytes; ++i) *at++ = static_cast<char>(bytes >> (8 * i));
        encodeRecord(record, at);
        usedBytes_ += kLengthBytes + bytes;
    }
    ++(isOversize ? oversize_ : records_);
    moved_ = true;
    position_.kind = Position::Kind::kRecord;
    position_.timeMillis = 0;
    position_.sequence = record.sequenceNumber;
    position_.taken = record.subIndex + 1;
    position_.arrivalMillis = toMillis(record.arrival);
    position_.hash = hash;
    return isOversize ? Taken::kOversize : Taken::kYes;
}

void LaneBlock::readUntil(std::int64_t millis) {
    position_.readUntilMillis = std::max(position_.readUntilMillis, millis);
    if (position_.readUntilMillis - loggedUntil_ > kQuietMillis) moved_ = true;
}

void LaneBlock::moveTo(Position position) {
    position_ = std::move(position);
    moved_ = true;
}

core::BlockLog::Outcome LaneBlock::flush(core::BlockLog& log) {
    return append(log, encodePosition(position_));
}

core::BlockLog::Outcome LaneBlock::forget(core::BlockLog& log) {
    TM_CHECK(records_ + oversize_ == 0, "a lane is forgotten when nothing of it is open");
    return append(log, "");
}

core::BlockLog::Outcome LaneBlock::append(core::BlockLog& log, std::string to) {
    // Where the log has the lane already, it need not be told.
    if (records_ + oversize_ == 0 && to == logged_) {
        moved_ = false;
        return core::BlockLog::Outcome::kQueued;
    }
    core::BlockOrigin origin;
    origin.source = source_;
    origin.lane = lane_;
    origin.lines = records_;
    origin.oversize = oversize_;
    origin.from = logged_;
    origin.to = to;
    if (!buffer_) buffer_ = core::Buffer::unpooled(core::BufferPool::kSmallestBytes);
    // A block is as large as what comes between two batches.
    if (usedBytes_ < buffer_.capacity() / 4)
        nextCapacity_ = std::max(kFirstCapacity, nextCapacity_ / 2);
    const auto outcome = log.append(
        std::make_shared<core::Block>(std::exchange(buffer_, {}), usedBytes_, std::move(origin)));
    if (outcome != core::BlockLog::Outcome::kQueued) return outcome;
    logged_ = std::move(to);
    loggedUntil_ = position_.readUntilMillis;
    usedBytes_ = 0;
    records_ = oversize_ = 0;
    moved_ = false;
    return outcome;
}

}  // namespace tidemill::sources::kinesis
