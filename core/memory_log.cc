#include "core/memory_log.h"

namespace tidemill::core {

BlockLog::Outcome MemoryLog::append(BlockPtr block) {
    Lsn lsn;
    {
        std::lock_guard lock(mutex_);
        if (!lanes_.advance(block->origin())) return Outcome::kStale;
        lsn = last_ = last_.next();
        block->setLsn(lsn);
        pending_.push_back(std::move(block));
    }
    report(lsn);
    return Outcome::kQueued;
}

Result<Lsn> MemoryLog::appendRecord(const BatchRecord&) {
    std::lock_guard lock(mutex_);
    return last_ = last_.next();
}

void MemoryLog::report(Lsn durable) {
    for (const auto& listener : listeners_) listener(durable);
}

std::string MemoryLog::position(std::string_view lane) const {
    std::lock_guard lock(mutex_);
    return lanes_.position(lane);
}

std::size_t MemoryLog::laneCount() const {
    std::lock_guard lock(mutex_);
    return lanes_.size();
}

Lsn MemoryLog::last() const {
    std::lock_guard lock(mutex_);
    return last_;
}

void MemoryLog::onDurable(std::function<void(Result<Lsn>)> listener) {
    listeners_.push_back(std::move(listener));
}

std::vector<BlockPtr> MemoryLog::take(std::size_t bytesMax) {
    std::lock_guard lock(mutex_);
    std::vector<BlockPtr> taken;
    std::size_t bytes = 0;
    while (!pending_.empty()) {
        const std::size_t size = pending_.front()->sizeBytes();
        if (!taken.empty() && bytes + size > bytesMax) break;
        bytes += size;
        taken.push_back(std::move(pending_.front()));
        pending_.pop_front();
    }
    return taken;
}

std::size_t MemoryLog::pendingBlocks() const {
    std::lock_guard lock(mutex_);
    return pending_.size();
}

}  // namespace tidemill::core
