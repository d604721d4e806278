// The blocks of the log that no batch has taken yet, and which of them keep their bytes in memory.
// docs/decisions/0006-the-log-is-the-queue.md says why they need not.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/block.h"
#include "core/ids.h"

namespace tidemill::recovery {

struct WaitingBlocksLimits {
    // Durable blocks give their memory back when it is scarce, up to so many waiting bytes and
    // blocks; beyond that memory runs out, and sources stop reading.
    std::size_t bytesMax = ~std::size_t{0};
    std::size_t blocksMax = ~std::size_t{0};
    // How long they keep it behind a take() all the same, and an eighth of that once what it took
    // is no longer held: what a batch gives back soon need not be read again from the log. Batches
    // that follow each other without a pause use the machine fully; receiving waits for them then.
    std::chrono::milliseconds releaseDelay{0};
};

// Thread safety: externally synchronized.
class WaitingBlocks {
public:
    using Clock = std::chrono::steady_clock;

    WaitingBlocks(WaitingBlocksLimits limits, std::vector<core::BlockPtr> blocks);

    void add(core::BlockPtr block);
    // The oldest, in their order: as many as fit into `bytesMax`, at least one if there is one.
    // Without a delay, those up to `durable` that stay behind give their memory back if they may.
    std::vector<core::BlockPtr> take(std::size_t bytesMax, core::Lsn durable);

    std::size_t size() const { return blocks_.size(); }
    std::size_t sizeBytes() const { return sizeBytes_; }

    // Whether a block gives its memory back as soon as it is durable, when memory is scarce. Those
    // that became so before go by releaseIfDue().
    bool mayRelease() const;
    // When mayRelease() turns true behind a take() at the latest, if it has not yet.
    const std::optional<Clock::time_point>& releaseFrom() const { return releaseFrom_; }
    // Once that time has come, releases blocks up to `durable` as long as memory is scarce. Notices
    // that what was taken is no longer held.
    void releaseIfDue(core::Lsn durable);

private:
    void release(core::Lsn durable);

    const WaitingBlocksLimits limits_;
    std::deque<core::BlockPtr> blocks_;
    std::size_t sizeBytes_ = 0;
    std::optional<Clock::time_point> releaseFrom_;
    std::weak_ptr<core::Block> taken_;  // the last one of the last take()
    bool isHeld_ = false;               // as far as releaseIfDue() has noticed
};

}  // namespace tidemill::recovery
