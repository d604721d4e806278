// A block: received records of one connection or partition that become durable together.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "core/buffer_pool.h"
#include "core/error.h"
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

class Block;

// Where the bytes of durable blocks can be read again. Thread safety: thread-safe.
class BlockStore {
public:
    virtual ~BlockStore() = default;
    // Reads the bytes of `block`, which is stored at `offset`, into `into`, which has room for
    // them. Errors: kIo, also when they are not those that were written.
    virtual Result<> read(const Block& block, std::uint64_t offset, Buffer& into) const = 0;
};

// The bytes of a block; they stay as long as this lives.
class BlockBytes {
public:
    BlockBytes(std::shared_ptr<const Buffer> buffer, std::size_t sizeBytes, bool loaded)
        : buffer_(std::move(buffer)), sizeBytes_(sizeBytes), loaded_(loaded) {}

    std::string_view view() const { return {buffer_->data(), sizeBytes_}; }
    // They were read for the caller alone; else they are those that the block holds.
    bool loaded() const { return loaded_; }

private:
    std::shared_ptr<const Buffer> buffer_;
    std::size_t sizeBytes_;
    bool loaded_;
};

// Whole records only; may hold none when all were oversize. Its bytes are in memory until it is
// durable; then the memory may be given back, and they are read from the log when they are used.
// Thread safety: immutable once appended to the log, which sets the LSN; bytes, stored and release
// by any thread.
class Block {
public:
    Block(Buffer buffer, std::size_t sizeBytes, BlockOrigin origin, Lsn lsn = {})
        : pool_(buffer.pool()),
          buffer_(std::make_shared<const Buffer>(std::move(buffer))),
          sizeBytes_(sizeBytes),
          origin_(std::move(origin)),
          lsn_(lsn) {}

    std::size_t sizeBytes() const { return sizeBytes_; }
    const BlockOrigin& origin() const { return origin_; }
    Lsn lsn() const { return lsn_; }
    void setLsn(Lsn lsn) { lsn_ = lsn; }

    // From memory, or from the log into memory that counts against the budget, whether it has room
    // or not. Errors: the store's.
    Result<BlockBytes> bytes() const;
    // While they are in memory: before the block is stored.
    std::string_view bytesInMemory() const;
    bool inMemory() const;

    // The bytes are durable at `offset` of `store`.
    void stored(std::shared_ptr<const BlockStore> store, std::uint64_t offset);
    // More than half of the budget that the block's memory counts against is used.
    bool memoryIsScarce() const { return pool_ && pool_->isScarce(); }
    // Gives the memory back, as soon as nobody uses it, if the block is stored; false if not.
    bool release();

private:
    const std::shared_ptr<BufferPool> pool_;  // null: no budget
    mutable std::mutex mutex_;                // of the three below
    std::shared_ptr<const Buffer> buffer_;    // null: released
    std::shared_ptr<const BlockStore> store_;
    std::uint64_t offset_ = 0;
    const std::size_t sizeBytes_;
    const BlockOrigin origin_;
    Lsn lsn_;
};

using BlockPtr = std::shared_ptr<Block>;

}  // namespace tidemill::core
