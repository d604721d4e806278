// A block: received records of one connection that become durable together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/buffer_pool.h"
#include "core/ids.h"

namespace tidemill::core {

// Where a block's records came from, and which they are.
struct BlockOrigin {
    SourceId source;
    // Number of the connection, unique in the data directory; 0 in a lane.
    std::uint64_t connection = 0;
    // The lane that the block is a part of (core/lanes.h): an acknowledged session. Empty: none,
    // such as a plain connection.
    std::string lane;
    // Number of the block's first line within its connection or lane; the first is 1.
    std::uint64_t firstLine = 1;
    // Records the block holds.
    std::uint32_t lines = 0;
    // Records skipped as longer than max_record_bytes. They keep their numbers, which lie
    // somewhere in firstLine … firstLine + lines + oversize - 1.
    std::uint32_t oversize = 0;
    // Positions in the lane before and behind the block.
    std::string from{}, to{};

    std::uint64_t nextLine() const { return firstLine + lines + oversize; }
};

// How a source's block bytes are cut into records.
enum class Framing : std::uint8_t {
    kLines,     // every record ends with '\n', the last one too; one '\r' before it is no part
    kPrefixed,  // every record is a little-endian u32 length and that many bytes
};

// Whole records only; may hold none when all were oversize. Thread safety: immutable once
// appended to the log, which sets the LSN.
class Block {
public:
    Block(Buffer buffer, std::size_t sizeBytes, BlockOrigin origin, Lsn lsn = {})
        : buffer_(std::move(buffer)), sizeBytes_(sizeBytes), origin_(std::move(origin)), lsn_(lsn) {}

    std::string_view bytes() const { return {buffer_.data(), sizeBytes_}; }
    const BlockOrigin& origin() const { return origin_; }
    Lsn lsn() const { return lsn_; }
    void setLsn(Lsn lsn) { lsn_ = lsn; }

private:
    Buffer buffer_;
    std::size_t sizeBytes_;
    BlockOrigin origin_;
    Lsn lsn_;
};

using BlockPtr = std::shared_ptr<Block>;

}  // namespace tidemill::core
