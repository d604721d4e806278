// Cuts the bytes of one connection into blocks of whole lines, without copying them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/buffer_pool.h"

namespace tidemill::sources {

// How a connection's lines are cut.
struct LineLimits {
    std::size_t recordBytesMax = 1 << 20;
    std::size_t blockBytesMax = 4 << 20;
};
inline constexpr std::size_t kRecordBytesMaxMax = 32 << 20;

// Numbers of consecutive lines.
struct LineRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    auto operator<=>(const LineRange&) const = default;
};
// At most so many ranges of oversize lines are named for one block; all are counted.
inline constexpr std::size_t kOversizeRangesMax = 1000;

// Bytes are read into room(); lines longer than the limit are taken out as they pass, in constant
// memory, and keep their numbers. An unfinished line is carried from a block into the next.
// Without an open block or a read in progress no buffer is held; an unfinished line then lies in
// memory of its own, outside the pool. Thread safety: externally synchronized.
class LineAssembler {
public:
    // The first line to come has number `firstLine`.
    LineAssembler(core::BufferPool& pool, LineLimits limits, std::uint64_t firstLine);

    // Before anything was read: the first line to come has number `firstLine` instead.
    void startAt(std::uint64_t firstLine) { firstLine_ = firstLine; }

    enum class Room {
        kReady,    // room() can be read into
        kFull,     // take() the open block first
        kRefused,  // the pool's budget is full
    };
    Room makeRoom();
    std::span<char> room();
    // The first `count` bytes of room() have been read. Returns whether a line has ended in them.
    bool added(std::size_t count);

    // Whether take() would give anything: whole lines, or numbers of oversize ones.
    bool hasLines() const { return lines_ + oversize_ != 0; }

    struct Cut {
        core::Buffer buffer;  // never empty
        std::size_t sizeBytes = 0;
        std::uint64_t firstLine = 0;
        std::uint32_t lines = 0;
        std::uint32_t oversize = 0;
        std::vector<LineRange> oversizeLines;  // which they were, in order
    };
    // The open block. Requires: hasLines().
    Cut take();

    // Gives the buffer back when no whole line is in it.
    void releaseBuffer();
    bool holdsBuffer() const { return static_cast<bool>(buffer_); }

    // Whether bytes have come behind the last line end, and how many of them are kept.
    bool insideLine() const { return skipping_ || unfinishedBytes() != 0; }
    std::size_t unfinishedBytes() const { return buffer_ ? used_ - lineStart_ : carry_.size(); }

    // The end of input ends the unfinished line, as its '\n' would. Requires: !hasLines().
    void finishLine();
    // Forgets the unfinished line.
    void dropLine();
    // Forgets everything that was not taken, and gives the buffer back.
    void discard();

private:
    std::size_t afterOversizeEnd(std::size_t from);
    std::size_t removeOversize(std::size_t begin, std::size_t end);
    void noteOversize(std::uint64_t line);
    core::Buffer acquire(std::size_t needed);

    core::BufferPool& pool_;
    const LineLimits limits_;
    const std::size_t capacityMax_;
    std::size_t nextCapacity_ = core::BufferPool::kSmallestBytes;

    core::Buffer buffer_;
    std::size_t used_ = 0;       // bytes in buffer_
    std::size_t lineStart_ = 0;  // behind the last line end in buffer_
    std::vector<char> carry_;    // the unfinished line while there is no buffer
    bool skipping_ = false;      // inside an oversize line, whose bytes are gone
    bool filled_ = false;        // the open block ran out of room

    std::uint64_t firstLine_;
    std::uint32_t lines_ = 0;
    std::uint32_t oversize_ = 0;
    std::vector<LineRange> oversizeLines_;
};

}  // namespace tidemill::sources
