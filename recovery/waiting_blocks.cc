#include "recovery/waiting_blocks.h"

#include <algorithm>
#include <utility>

namespace tidemill::recovery {

WaitingBlocks::WaitingBlocks(WaitingBlocksLimits limits, std::vector<core::BlockPtr> blocks)
    : limits_(limits) {
    for (auto& block : blocks) add(std::move(block));
}

void WaitingBlocks::add(core::BlockPtr block) {
    sizeBytes_ += block->sizeBytes();
    blocks_.push_back(std::move(block));
}

std::vector<core::BlockPtr> WaitingBlocks::take(std::size_t bytesMax, core::Lsn durable) {
    std::vector<core::BlockPtr> taken;
    std::size_t bytes = 0;
    while (!blocks_.empty()) {
        const auto size = blocks_.front()->sizeBytes();
        if (!taken.empty() && bytes + size > bytesMax) break;
        bytes += size;
        taken.push_back(std::move(blocks_.front()));
        blocks_.pop_front();
    }
    sizeBytes_ -= bytes;
    taken_.reset();
    isHeld_ = !taken.empty();
    if (isHeld_) taken_ = taken.back();
    if (limits_.releaseDelay.count() != 0) releaseFrom_ = Clock::now() + limits_.releaseDelay;
    release(durable);  // what had to stay while there was more of it
    return taken;
}

bool WaitingBlocks::mayRelease() const {
    return !releaseFrom_ && sizeBytes_ <= limits_.bytesMax && blocks_.size() <= limits_.blocksMax;
}

void WaitingBlocks::releaseIfDue(core::Lsn durable) {
    if (!releaseFrom_) return;
    const auto now = Clock::now();
    if (isHeld_ && taken_.expired()) {
        isHeld_ = false;
        releaseFrom_ = std::min(*releaseFrom_, now + limits_.releaseDelay / 8);
    }
    if (now < *releaseFrom_) return;
    releaseFrom_.reset();
    release(durable);
}

void WaitingBlocks::release(core::Lsn durable) {
    if (!mayRelease()) return;
    // The newest first: the next batch takes the oldest. Some have memory outside any budget, which
    // is never scarce.
    for (auto waiting = blocks_.rbegin(); waiting != blocks_.rend(); ++waiting)
        if ((*waiting)->lsn() <= durable && (*waiting)->memoryIsScarce()) (*waiting)->release();
}

}  // namespace tidemill::recovery
