#include "tests/support/memory_block_log.h"

namespace tidemill::test {

using core::Lsn;
using core::Result;

MemoryBlockLog::MemoryBlockLog(Sync sync, std::chrono::microseconds syncTime)
    : syncTime_(syncTime) {
    if (sync == Sync::kWriter) writer_ = std::thread([this] { write(); });
}

MemoryBlockLog::~MemoryBlockLog() {
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (writer_.joinable()) writer_.join();
}

void MemoryBlockLog::write() {
    for (;;) {
        Lsn until;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock,
                          [&] { return ending_ || (durable_ < last_ && holds_ == 0 && !failed_); });
            if (ending_) return;
            until = last_;
        }
        std::this_thread::sleep_for(syncTime_);
        {
            std::lock_guard lock(mutex_);
            if (failed_) continue;
            durable_ = until;
        }
        changed_.notify_all();
        for (const auto& listener : listeners_) listener(until);
    }
}

void MemoryBlockLog::makeDurable() {
    Lsn now;
    {
        std::lock_guard lock(mutex_);
        now = durable_ = last_;
    }
    changed_.notify_all();
    for (const auto& listener : listeners_) listener(now);
}

void MemoryBlockLog::breakDown() {
    {
        std::lock_guard lock(mutex_);
        failed_ = true;
    }
    changed_.notify_all();
    for (const auto& listener : listeners_)
        listener(core::fail(core::ErrorKind::kIo, "the test broke the log"));
}

std::vector<std::string> MemoryBlockLog::lines(
    const std::function<bool(const core::BlockOrigin&)>& wanted) const {
    std::lock_guard lock(mutex_);
    return cut(blocks_, wanted);
}

std::vector<std::string> MemoryBlockLog::takeLines() {
    std::deque<core::BlockPtr> taken;
    {
        std::lock_guard lock(mutex_);
        taken.swap(blocks_);
    }
    return cut(taken, {});
}

std::vector<std::string> MemoryBlockLog::cut(
    const std::deque<core::BlockPtr>& blocks,
    const std::function<bool(const core::BlockOrigin&)>& wanted) {
    std::vector<std::string> found;
    for (const auto& block : blocks) {
        if (wanted && !wanted(block->origin())) continue;
        std::string_view rest = block->bytesInMemory();
        while (!rest.empty()) {
            const auto end = rest.find('\n');
            found.emplace_back(rest.substr(0, end));
            rest.remove_prefix(end + 1);
        }
    }
    return found;
}

std::vector<std::string> MemoryBlockLog::sessionText(const std::string& session) const {
    return lines([&](const core::BlockOrigin& origin) { return origin.lane == session; });
}

std::vector<core::BlockOrigin> MemoryBlockLog::origins() const {
    std::lock_guard lock(mutex_);
    std::vector<core::BlockOrigin> found;
    for (const auto& block : blocks_) found.push_back(block->origin());
    return found;
}

std::vector<std::string> MemoryBlockLog::blockBytes() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const auto& block : blocks_) found.emplace_back(block->bytesInMemory());
    return found;
}

std::uint64_t MemoryBlockLog::lineCount() const {
    std::lock_guard lock(mutex_);
    return lineCount_;
}

std::uint64_t MemoryBlockLog::oversizeCount() const {
    std::lock_guard lock(mutex_);
    return oversizeCount_;
}

void MemoryBlockLog::releaseBlocks() {
    std::deque<core::BlockPtr> released;
    {
        std::lock_guard lock(mutex_);
        released.swap(blocks_);
    }
}

core::BlockLog::Outcome MemoryBlockLog::append(core::BlockPtr block) {
    {
        std::lock_guard lock(mutex_);
        if (failed_) return Outcome::kFailed;
        const auto& origin = block->origin();
        if (!lanes_.advance(origin)) return Outcome::kStale;
        lineCount_ += origin.lines;
        oversizeCount_ += origin.oversize;
        last_ = last_.next();
        block->setLsn(last_);
        blocks_.push_back(std::move(block));
    }
    changed_.notify_all();
    return Outcome::kQueued;
}

Result<Lsn> MemoryBlockLog::appendRecord(const core::BatchRecord&) {
    std::lock_guard lock(mutex_);
    return last_ = last_.next();
}

std::string MemoryBlockLog::position(std::string_view lane) const {
    std::lock_guard lock(mutex_);
    return lanes_.position(lane);
}

std::size_t MemoryBlockLog::laneCount() const {
    std::lock_guard lock(mutex_);
    return lanes_.size();
}

Lsn MemoryBlockLog::durable() const {
    std::lock_guard lock(mutex_);
    return durable_;
}

Lsn MemoryBlockLog::last() const {
    std::lock_guard lock(mutex_);
    return last_;
}

bool MemoryBlockLog::idle() const {
    std::lock_guard lock(mutex_);
    return durable_ == last_;
}

Result<> MemoryBlockLog::waitDurable(Lsn lsn) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failed_ || durable_ >= lsn; });
    if (durable_ >= lsn) return {};
    return core::fail(core::ErrorKind::kIo, "the test broke the log");
}

void MemoryBlockLog::onDurable(std::function<void(Result<Lsn>)> listener) {
    listeners_.push_back(std::move(listener));
}

void MemoryBlockLog::holdWrites() {
    std::lock_guard lock(mutex_);
    ++holds_;
}

void MemoryBlockLog::resumeWrites() {
    {
        std::lock_guard lock(mutex_);
        --holds_;
    }
    changed_.notify_all();
}

}  // namespace tidemill::test
