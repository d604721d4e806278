#include "sources/kafka/lane_block.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/check.h"
#include "sources/kafka/kafka_block.h"

namespace tidemill::sources::kafka {
namespace {

constexpr std::size_t kFirstCapacity = 16 << 10;
constexpr std::size_t kLengthBytes = 4;

Anchor anchorOf(std::string_view encoded, std::int64_t offset, std::int64_t timestampMillis) {
    return {offset, timestampMillis, hashOfRecord(encoded)};
}

}  // namespace

LaneBlock::LaneBlock(core::SourceId source, std::string lane, std::string position)
    : source_(source),
      lane_(std::move(lane)),
      logged_(std::move(position)),
      nextCapacity_(kFirstCapacity) {
    if (logged_.empty()) return;
    const auto known = decodePosition(logged_);
    TM_CHECK(known.has_value(), "a lane's position is decoded before its block is made");
    next_ = known->next;
    hasAnchor_ = known->anchor.has_value();
    anchor_ = known->anchor.value_or(Anchor());
}

Position LaneBlock::position() const {
    if (lastBytes_ != 0)
        return {next_, anchorOf({buffer_.data() + usedBytes_ - lastBytes_, lastBytes_}, lastOffset_,
                                lastTimestamp_)};
    return {next_, hasAnchor_ ? std::optional(anchor_) : std::nullopt};
}

LaneBlock::Taken LaneBlock::take(const KafkaRecord& record, core::BufferPool& pool,
                                 const BlockLimits& limits) {
    const std::size_t bytes = encodedBytes(record);
    const std::size_t payload = (record.key ? record.key->size() : 0) +
                                (record.value ? record.value->size() : 0) +
                                record.headers.encoded.size();
    if (payload > limits.recordBytesMax) {
        std::string encoded(bytes, '\0');
        encodeRecord(record, encoded.data());
        anchor_ = anchorOf(encoded, record.offset, toMillis(record.timestamp));
        hasAnchor_ = moved_ = true;
        lastBytes_ = 0;
        if (records_ + oversize_ == 0) firstOffset_ = record.offset;
        ++oversize_;
        next_ = record.offset + 1;
        return Taken::kOversize;
    }
    if (buffer_ && usedBytes_ + kLengthBytes + bytes > buffer_.capacity()) {
        nextCapacity_ = std::min(2 * buffer_.capacity(), limits.blockBytesMax);
        return Taken::kFull;
    }
    if (!buffer_) {
        buffer_ = pool.tryAcquire(std::max(nextCapacity_, kLengthBytes + bytes));
        if (!buffer_) return Taken::kNoMemory;
    }
    char* at = buffer_.data() + usedBytes_;
    for (std::size_t i = 0; i < kLengthBytes; ++i) *at++ = static_cast<char>(bytes >> (8 * i));
    encodeRecord(record, at);
    usedBytes_ += kLengthBytes + bytes;
    lastBytes_ = bytes;
    lastOffset_ = record.offset;
    lastTimestamp_ = toMillis(record.timestamp);
    if (records_ + oversize_ == 0) firstOffset_ = record.offset;
    ++records_;
    moved_ = true;
    next_ = record.offset + 1;
    return Taken::kYes;
}

void LaneBlock::moveTo(std::int64_t next) {
    TM_CHECK(!moved_, "a lane moves when nothing is open");
    next_ = firstOffset_ = next;
    hasAnchor_ = false;
    moved_ = true;
}

core::BlockLog::Outcome LaneBlock::flush(core::BlockLog& log) {
    const Position reached = position();
    core::BlockOrigin origin;
    origin.source = source_;
    origin.lane = lane_;
    origin.firstLine = static_cast<std::uint64_t>(firstOffset_) + 1;
    origin.lines = records_;
    origin.oversize = oversize_;
    origin.from = logged_;
    origin.to = encodePosition(reached);
    if (!buffer_) buffer_ = core::Buffer::unpooled(core::BufferPool::kSmallestBytes);
    // A block is as large as what comes between two batches.
    if (usedBytes_ < buffer_.capacity() / 4)
        nextCapacity_ = std::max(kFirstCapacity, nextCapacity_ / 2);
    auto logged = origin.to;
    const auto outcome = log.append(
        std::make_shared<core::Block>(std::exchange(buffer_, {}), usedBytes_, std::move(origin)));
    if (outcome != core::BlockLog::Outcome::kQueued) return outcome;
    logged_ = std::move(logged);
    hasAnchor_ = reached.anchor.has_value();
    anchor_ = reached.anchor.value_or(Anchor());
    usedBytes_ = lastBytes_ = 0;
    records_ = oversize_ = 0;
    moved_ = false;
    return outcome;
}

}  // namespace tidemill::sources::kafka
