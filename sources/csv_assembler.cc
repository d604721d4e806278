#include "sources/csv_assembler.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "sources/line_assembler.h"

namespace tidemill::sources {
namespace {

// Less room than this part of a buffer is not worth a read of its own.
constexpr std::size_t kRoomFraction = 64;
// Room behind the open record in a new buffer, five times: see room().
constexpr std::size_t kFreeBytesMin = 5 * 512;
constexpr std::size_t kRoomBytesLeast = 8;

std::size_t largestCapacity(const LineLimits& limits) {
    const std::size_t forRecord = std::bit_ceil(limits.recordBytesMax + 8 + kFreeBytesMin);
    return std::max(
        {forRecord, std::bit_floor(limits.blockBytesMax), core::BufferPool::kSmallestBytes});
}

}  // namespace

std::unique_ptr<RecordAssembler> makeAssembler(core::BufferPool& pool, LineLimits limits,
                                               const std::optional<CsvRecords>& csv) {
    if (csv) return std::make_unique<CsvAssembler>(pool, limits, *csv);
    return std::make_unique<LineAssembler>(pool, limits, 1);
}

CsvAssembler::CsvAssembler(core::BufferPool& pool, LineLimits limits, CsvRecords csv)
    : pool_(pool),
      limits_(limits),
      capacityMax_(largestCapacity(limits)),
      cutter_(csv, limits.recordBytesMax) {
    TM_CHECK(limits.recordBytesMax <= kRecordBytesMaxMax, "recordBytesMax is too large");
}

// The open record becomes that of `buffer`, behind no others.
void CsvAssembler::open(core::Buffer buffer) {
    std::copy(carry_.begin(), carry_.end(), buffer.data() + kLengthBytes);
    buffer_ = std::move(buffer);
    blockEnd_ = 0;
    lineBegin_ = kLengthBytes + carriedLine_;
    used_ = kLengthBytes + carry_.size();
    carry_ = std::vector<char>();
    carriedLine_ = 0;
}

RecordAssembler::Room CsvAssembler::makeRoom() {
    if (!buffer_) {
        const std::size_t needed = std::bit_ceil(carry_.size() + kLengthBytes + kFreeBytesMin);
        core::Buffer buffer = pool_.tryAcquire(std::max(nextCapacity_, needed));
        // What is left of the budget may be enough for less.
        if (!buffer && nextCapacity_ > needed) buffer = pool_.tryAcquire(needed);
        if (!buffer) return Room::kRefused;
        open(std::move(buffer));
        return Room::kReady;
    }
    const std::size_t capacity = buffer_.capacity();
    if (roomBytes() >= std::max(capacity / kRoomFraction, kFreeBytesMin / 5)) return Room::kReady;
    if (blockEnd_ != 0) return Room::kFull;
    if (capacity >= capacityMax_) return Room::kReady;  // the longest record leaves room
    nextCapacity_ = std::min(capacity * 4, capacityMax_);
    core::Buffer larger = pool_.tryAcquire(capacity * 2);
    if (!larger) return roomBytes() >= kRoomBytesLeast ? Room::kReady : Room::kRefused;
    std::memcpy(larger.data(), buffer_.data(), used_);
    buffer_ = std::move(larger);
    return Room::kReady;
}

// What is read here is moved up to used_ piece by piece. A line end may become the length of the
// record behind it: three bytes more, and three for one that had come before. With n bytes of room
// there are 4n in front of them, so nothing is overwritten before it is moved, if n is at least 8
// (kRoomBytesLeast).
std::span<char> CsvAssembler::room() {
    const auto bytes = roomBytes();
    return {buffer_.data() + used_ + 4 * bytes, bytes};
}

bool CsvAssembler::added(std::size_t count) {
    const auto space = room();
    TM_CHECK(count <= space.size(), "more was read than there was room for");
    bool ended = false;
    for (const char *at = space.data(), *const end = at + count; at != end;) {
        const auto left = static_cast<std::size_t>(end - at);
        const auto* newline = static_cast<const char*>(std::memchr(at, '\n', left));
        const char* const next = newline == nullptr ? end : newline + 1;
        ended = ended || newline != nullptr;
        if (skipping_) {
            at = next;
            if (newline == nullptr) continue;
            skipping_ = false;
            ++oversize_;
            continue;
        }
        std::memmove(buffer_.data() + used_, at, static_cast<std::size_t>(next - at));
        used_ += static_cast<std::size_t>(next - at);
        at = next;
        if (newline != nullptr) endLine();
        else skipIfTooLong();
    }
    return ended;
}

// A whole line has come, from lineBegin_ to used_.
void CsvAssembler::endLine() {
    const auto verdict = cutter_.take({buffer_.data() + lineBegin_, used_ - lineBegin_});
    if (verdict.breaks) breakRecord();
    switch (verdict.line) {
        case core::CsvCutter::Line::kGoesOn: lineBegin_ = used_; return;
        case core::CsvCutter::Line::kEnds: return endRecord(used_);
        case core::CsvCutter::Line::kTooLong: ++oversize_; return beginRecord();
    }
}

// No line end has come behind lineBegin_.
void CsvAssembler::skipIfTooLong() {
    const auto isTooLong = [&] {
        return cutter_.isTooLong({buffer_.data() + lineBegin_, used_ - lineBegin_});
    };
    if (!isTooLong()) return;
    if (cutter_.isOpen()) {
        breakRecord();
        cutter_.restart();
        if (!isTooLong()) return;
    }
    skipping_ = true;
    beginRecord();
}

// The open record ends before its last line, which begins the next one.
void CsvAssembler::breakRecord() {
    const std::size_t from = lineBegin_, sizeBytes = used_ - lineBegin_;
    endRecord(lineBegin_);
    std::memmove(buffer_.data() + lineBegin_, buffer_.data() + from, sizeBytes);
    used_ = lineBegin_ + sizeBytes;
}

// The open record lies before `end`, with its line end.
void CsvAssembler::endRecord(std::size_t end) {
    char* const base = buffer_.data();
    const auto record = core::withoutLineEnd({base + recordBegin(), end - recordBegin()});
    const auto sizeBytes = static_cast<std::uint32_t>(record.size());
    for (std::size_t i = 0; i < kLengthBytes; ++i)
        base[blockEnd_ + i] = static_cast<char>(sizeBytes >> (8 * i));
    blockEnd_ += kLengthBytes + record.size();
    ++records_;
    beginRecord();
}

void CsvAssembler::beginRecord() { lineBegin_ = used_ = recordBegin(); }

RecordAssembler::Cut CsvAssembler::take() {
    TM_CHECK(hasLines(), "an empty block was taken");
    Cut cut;
    cut.sizeBytes = buffer_ ? blockEnd_ : 0;
    cut.firstLine = firstLine_;
    cut.lines = records_;
    cut.oversize = oversize_;
    if (buffer_) {
        carry_.assign(buffer_.data() + recordBegin(), buffer_.data() + used_);
        carriedLine_ = lineBegin_ - recordBegin();
        // The next block gets room for more than this one, so that buffers follow the rate.
        const bool isFull = roomBytes() < buffer_.capacity() / kRoomFraction;
        const std::size_t wanted = isFull ? buffer_.capacity() * 4 : std::bit_ceil(used_ * 2);
        nextCapacity_ = std::clamp(wanted, core::BufferPool::kSmallestBytes, capacityMax_);
        cut.buffer = std::exchange(buffer_, {});
    } else {
        cut.buffer = core::Buffer::unpooled(core::BufferPool::kSmallestBytes);
    }
    firstLine_ += std::uint64_t{records_} + oversize_;
    records_ = oversize_ = 0;
    return cut;
}

void CsvAssembler::releaseBuffer() {
    if (!buffer_ || hasLines()) return;
    carry_.assign(buffer_.data() + recordBegin(), buffer_.data() + used_);
    carriedLine_ = lineBegin_ - recordBegin();
    core::Buffer returned = std::exchange(buffer_, {});
}

void CsvAssembler::finishLine() {
    TM_CHECK(!hasLines(), "a record was finished behind those of an open block");
    if (!insideLine()) return;
    releaseBuffer();
    if (std::exchange(skipping_, false)) {
        ++oversize_;
        return;
    }
    // Not from the pool: a full budget must not hold back a record that is complete. Two lengths:
    // the last line may begin a record of its own.
    open(core::Buffer::unpooled(
        std::max(carry_.size() + 2 * kLengthBytes + 1, core::BufferPool::kSmallestBytes)));
    if (used_ != lineBegin_) {
        buffer_.data()[used_++] = '\n';
        endLine();
    }
    // A quote is open, and will not be closed.
    if (used_ != recordBegin()) endRecord(used_);
    cutter_.restart();
}

void CsvAssembler::dropLine() {
    skipping_ = false;
    carry_ = std::vector<char>();
    carriedLine_ = 0;
    cutter_.restart();
    if (buffer_) beginRecord();
}

void CsvAssembler::discard() {
    dropLine();
    records_ = oversize_ = 0;
    blockEnd_ = 0;
    core::Buffer returned = std::exchange(buffer_, {});
}

}  // namespace tidemill::sources
