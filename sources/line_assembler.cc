#include "sources/line_assembler.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "core/check.h"
#include "sources/line_scan.h"

namespace tidemill::sources {
namespace {

// Less room than this at a buffer's end is not worth a read of its own.
constexpr std::size_t kRoomFraction = 8;
// Room beside an unfinished line in a new buffer.
constexpr std::size_t kRoomBytesMin = 1024;

std::size_t largestCapacity(const LineLimits& limits) {
    const std::size_t forLine = std::bit_ceil(limits.recordBytesMax + 2 + kRoomBytesMin);
    return std::max(
        {forLine, std::bit_floor(limits.blockBytesMax), core::BufferPool::kSmallestBytes});
}

}  // namespace

LineAssembler::LineAssembler(core::BufferPool& pool, LineLimits limits, std::uint64_t firstLine)
    : pool_(pool), limits_(limits), capacityMax_(largestCapacity(limits)), firstLine_(firstLine) {
    TM_CHECK(limits.recordBytesMax <= kRecordBytesMaxMax, "recordBytesMax is too large");
}

core::Buffer LineAssembler::acquire(std::size_t needed) {
    core::Buffer buffer = pool_.tryAcquire(std::max(nextCapacity_, std::bit_ceil(needed)));
    // What is left of the budget may be enough for less.
    if (!buffer && nextCapacity_ > needed) buffer = pool_.tryAcquire(needed);
    return buffer;
}

LineAssembler::Room LineAssembler::makeRoom() {
    if (!buffer_) {
        core::Buffer buffer = acquire(carry_.size() + kRoomBytesMin);
        if (!buffer) return Room::kRefused;
        std::copy(carry_.begin(), carry_.end(), buffer.data());
        buffer_ = std::move(buffer);
        used_ = carry_.size();
        lineStart_ = 0;
        carry_ = std::vector<char>();
        return Room::kReady;
    }
    const std::size_t capacity = buffer_.capacity();
    if (capacity - used_ >= capacity / kRoomFraction) return Room::kReady;
    if (lineStart_ != 0) {
        filled_ = true;
        return Room::kFull;
    }
    if (capacity >= capacityMax_)
        return Room::kReady;  // a line that fills it is longer than the limit, and is taken out
    nextCapacity_ = std::min(capacity * 4, capacityMax_);
    core::Buffer larger = acquire(capacity * 2);
    if (!larger) return capacity != used_ ? Room::kReady : Room::kRefused;
    std::memcpy(larger.data(), buffer_.data(), used_);
    buffer_ = std::move(larger);
    return Room::kReady;
}

std::span<char> LineAssembler::room() {
    return {buffer_.data() + used_, buffer_.capacity() - used_};
}

bool LineAssembler::added(std::size_t count) {
    TM_CHECK(count <= buffer_.capacity() - used_, "more was read than there was room for");
    const std::size_t before = used_;
    used_ += count;
    bool ended = false;
    if (skipping_) {
        if (afterOversizeEnd(before) == 0) return false;
        ended = true;
    }
    char* const base = buffer_.data();
    const char* last = lastLineEnd(base + before, base + used_);
    if (last != nullptr) {
        std::size_t end = static_cast<std::size_t>(last - base) + 1;
        lines_ += static_cast<std::uint32_t>(countLineEnds({base + before, end - before}));
        // A line longer than the limit needs at least that many bytes.
        if (end - lineStart_ > limits_.recordBytesMax) end = removeOversize(lineStart_, end);
        lineStart_ = end;
        ended = true;
    }
    // One byte more than the limit is allowed for a '\r', which is no part of the record.
    const std::size_t tail = used_ - lineStart_;
    if (tail > limits_.recordBytesMax + 1 ||
        (tail == limits_.recordBytesMax + 1 && base[used_ - 1] != '\r')) {
        skipping_ = true;
        used_ = lineStart_;
    }
    return ended;
}

// Looks for the end of the oversize line in the bytes from `from` on and takes them out up to it.
// Returns 0 when it has not come yet.
std::size_t LineAssembler::afterOversizeEnd(std::size_t from) {
    char* const base = buffer_.data();
    const char* end = firstLineEnd(base + from, base + used_);
    if (end == nullptr) {
        used_ = from;
        return 0;
    }
    const std::size_t rest = static_cast<std::size_t>(base + used_ - (end + 1));
    std::memmove(base + from, end + 1, rest);
    used_ = from + rest;
    skipping_ = false;
    noteOversize(firstLine_ + lines_ + oversize_);
    ++oversize_;
    return 1;
}

void LineAssembler::noteOversize(std::uint64_t line) {
    if (!oversizeLines_.empty() && oversizeLines_.back().last + 1 == line) {
        oversizeLines_.back().last = line;
    } else if (oversizeLines_.size() < kOversizeRangesMax) {
        oversizeLines_.push_back({line, line});
    }
}

// Takes oversize lines out of the whole lines in [begin, end) and moves up what lies behind.
// Returns the new end. Looks at one place per limit's length of bytes, not at every line.
std::size_t LineAssembler::removeOversize(std::size_t begin, std::size_t end) {
    char* const base = buffer_.data();
    const std::size_t max = limits_.recordBytesMax;
    std::size_t in = begin;    // lines before it are judged
    std::size_t kept = begin;  // start of the run of lines that are not moved yet
    std::size_t out = begin;
    // The number of the line that begins at `kept`.
    std::uint64_t line =
        firstLine_ + lines_ + oversize_ - countLineEnds({base + begin, end - begin});
    const auto moveKept = [&](std::size_t until) {
        if (out != kept) std::memmove(base + out, base + kept, until - kept);
        out += until - kept;
    };
    while (end - in > max + 1) {
        if (const char* near = lastLineEnd(base + in, base + in + max + 1)) {
            in = static_cast<std::size_t>(near - base) + 1;
        } else if (base[in + max] == '\r' && base[in + max + 1] == '\n') {
            in += max + 2;
        } else {
            const char* far = firstLineEnd(base + in + max + 1, base + end);
            moveKept(in);
            line += countLineEnds({base + kept, in - kept});
            noteOversize(line++);
            in = kept = static_cast<std::size_t>(far - base) + 1;
            --lines_;
            ++oversize_;
        }
    }
    if (kept == out) return end;
    moveKept(end);
    std::memmove(base + out, base + end, used_ - end);
    used_ -= end - out;
    return out;
}

LineAssembler::Cut LineAssembler::take() {
    TM_CHECK(hasLines(), "an empty block was taken");
    const std::size_t tail = unfinishedBytes();
    Cut cut;
    cut.sizeBytes = buffer_ ? lineStart_ : 0;
    cut.firstLine = firstLine_;
    cut.lines = lines_;
    cut.oversize = oversize_;
    cut.oversizeLines = std::exchange(oversizeLines_, {});
    if (buffer_) {
        carry_.assign(buffer_.data() + lineStart_, buffer_.data() + lineStart_ + tail);
        // The next block gets room for twice this one, so that buffers follow the rate both ways.
        const std::size_t wanted = filled_ ? buffer_.capacity() * 4 : std::bit_ceil(used_ * 2);
        nextCapacity_ = std::clamp(wanted, core::BufferPool::kSmallestBytes, capacityMax_);
        cut.buffer = std::exchange(buffer_, {});
    } else {
        cut.buffer = core::Buffer::unpooled(core::BufferPool::kSmallestBytes);
    }
    firstLine_ += std::uint64_t{lines_} + oversize_;
    lines_ = oversize_ = 0;
    used_ = lineStart_ = 0;
    filled_ = false;
    return cut;
}

void LineAssembler::releaseBuffer() {
    if (!buffer_ || hasLines()) return;
    carry_.assign(buffer_.data() + lineStart_, buffer_.data() + used_);
    core::Buffer returned = std::exchange(buffer_, {});
    used_ = lineStart_ = 0;
}

void LineAssembler::finishLine() {
    TM_CHECK(!hasLines(), "a line was finished behind lines of an open block");
    if (!insideLine()) return;
    releaseBuffer();
    if (std::exchange(skipping_, false)) {
        ++oversize_;
        return;
    }
    // Not from the pool: a full budget must not hold back a line that is complete. Unfinished lines
    // have a budget of their own.
    core::Buffer whole =
        core::Buffer::unpooled(std::max(carry_.size() + 1, core::BufferPool::kSmallestBytes));
    std::copy(carry_.begin(), carry_.end(), whole.data());
    whole.data()[carry_.size()] = '\n';
    buffer_ = std::move(whole);
    used_ = lineStart_ = carry_.size() + 1;
    carry_ = std::vector<char>();
    ++lines_;
}

void LineAssembler::dropLine() {
    skipping_ = false;
    carry_ = std::vector<char>();
    if (buffer_) used_ = lineStart_;
}

void LineAssembler::discard() {
    dropLine();
    lines_ = oversize_ = 0;
    oversizeLines_.clear();
    used_ = lineStart_ = 0;
    core::Buffer returned = std::exchange(buffer_, {});
}

}  // namespace tidemill::sources
