// Cuts the bytes of one connection into blocks of whole records. Private to sources/.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/buffer_pool.h"
#include "core/csv_records.h"

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

// Bytes are read into room(); records longer than the limit are taken out as they pass, in constant
// memory, and keep their numbers. An unfinished record is carried from a block into the next.
// Without an open block or a read in progress no buffer is held; an unfinished record then lies in
// memory of its own, outside the pool. Called once per read, not per record. Thread safety:
// externally synchronized.
class RecordAssembler {
public:
    virtual ~RecordAssembler() = default;

    // Before anything was read: the first record to come has number `firstLine` instead of 1.
    virtual void startAt(std::uint64_t firstLine) = 0;

    enum class Room {
        kReady,    // room() can be read into
        kFull,     // take() the open block first
        kRefused,  // the pool's budget is full
    };
    virtual Room makeRoom() = 0;
    virtual std::span<char> room() = 0;
    // The first `count` bytes of room() have been read. Returns whether a line has ended in them.
    virtual bool added(std::size_t count) = 0;

    // Whether take() would give anything: whole records, or numbers of oversize ones.
    virtual bool hasLines() const = 0;

    struct Cut {
        core::Buffer buffer;  // never empty
        std::size_t sizeBytes = 0;
        std::uint64_t firstLine = 0;
        std::uint32_t lines = 0;
        std::uint32_t oversize = 0;
        std::vector<LineRange> oversizeLines;  // which they were, in order; of lines
    };
    // The open block. Requires: hasLines().
    virtual Cut take() = 0;

    // Gives the buffer back when no whole record is in it.
    virtual void releaseBuffer() = 0;
    virtual bool holdsBuffer() const = 0;

    // Whether bytes have come behind the last record's end, and how many of them are kept.
    virtual bool insideLine() const = 0;
    virtual std::size_t unfinishedBytes() const = 0;

    // The end of input ends the unfinished record, as its '\n' would. Requires: !hasLines().
    virtual void finishLine() = 0;
    // Forgets the unfinished record.
    virtual void dropLine() = 0;
    // Forgets everything that was not taken, and gives the buffer back.
    virtual void discard() = 0;
};

// Of lines, in core::Framing::kLines; with `csv` of its records, in core::Framing::kPrefixed.
std::unique_ptr<RecordAssembler> makeAssembler(core::BufferPool& pool, LineLimits limits,
                                               const std::optional<CsvRecords>& csv);

}  // namespace tidemill::sources
