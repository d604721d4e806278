// The durable log as the rest of the engine sees it: blocks and batch records in one order.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/lanes.h"

namespace tidemill::core {

// Thread safety: thread-safe. After a write or sync failed, every call fails with that error
// and nothing more becomes durable (invariant I6).
class BlockLog {
public:
    virtual ~BlockLog() = default;

    enum class Outcome {
        kQueued,  // the block has its LSN and will be written; not durable yet
        kStale,   // its lane is not where it begins: it was sent again, or by a ghost of an older
                  // connection; nothing was appended
        kFailed,  // the log has failed, or was closed
    };

    // Gives the block the next LSN and queues it. For a lane's block the check of its position and
    // the append are one step. Never waits for the disk.
    virtual Outcome append(BlockPtr block) = 0;

    // Queues a batch record and returns its LSN.
    virtual Result<Lsn> appendRecord(const BatchRecord& record) = 0;

    // While a Hold lives the writer starts no new write, so that what is appended meanwhile goes
    // out together, in as few writes as its size allows. Keep it short.
    class Hold {
    public:
        explicit Hold(BlockLog& log) : log_(log) { log_.holdWrites(); }
        ~Hold() { log_.resumeWrites(); }
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;

    private:
        BlockLog& log_;
    };

    // How far the lane was appended, durable or not; its beginning for an unknown one.
    virtual std::string position(std::string_view lane) const = 0;
    // The same for a lane that numbers its lines.
    std::uint64_t sessionLines(std::string_view session) const {
        return linesAt(position(session));
    }
    // Lanes the log knows.
    virtual std::size_t laneCount() const = 0;

    // The highest LSN that survives power loss.
    virtual Lsn durable() const = 0;
    // LSN of the last frame appended.
    virtual Lsn last() const = 0;
    // True when nothing is queued or being written.
    virtual bool idle() const = 0;
    // Returns once `lsn` is durable. Errors: the log's failure.
    virtual Result<> waitDurable(Lsn lsn) = 0;
    // Adds a function that the writer calls, after each sync, with durable(); and with the error
    // when the log fails. It must return quickly. Add before the first append.
    virtual void onDurable(std::function<void(Result<Lsn>)> listener) = 0;

    // Takes, in LSN order, blocks that no batch owns yet: as many as fit into `bytesMax`, at least
    // one when there is any. They may not be durable yet; a later record's LSN covers them.
    virtual std::vector<BlockPtr> take(std::size_t bytesMax) = 0;
    // Blocks that are durable need not stay in memory.
    virtual bool storesBlocks() const { return false; }
    // Blocks that no batch owns yet. They need not have bytes: a lane may only have moved.
    virtual std::size_t pendingBlocks() const = 0;

    // Everything at or below `lsn` may be removed. Removes whole segments only.
    virtual Result<> trim(Lsn lsn) = 0;

    // Bytes the log holds on disk, and bytes written since it was opened.
    virtual std::uint64_t sizeBytes() const = 0;
    virtual std::uint64_t writtenBytes() const = 0;
    // Number that grows with every opening of the log; makes connection numbers unique.
    virtual std::uint32_t epoch() const = 0;

protected:
    virtual void holdWrites() = 0;
    virtual void resumeWrites() = 0;
};

}  // namespace tidemill::core
