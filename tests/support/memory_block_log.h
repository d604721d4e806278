// A log in memory for tests, which can hold back durability.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/block_log.h"

namespace tidemill::test {

// Thread safety: thread-safe.
class MemoryBlockLog final : public core::BlockLog {
public:
    enum class Sync {
        kByHand,  // nothing is durable until makeDurable()
        kWriter,  // a thread makes everything durable again and again, as a log writer does
    };
    explicit MemoryBlockLog(Sync sync = Sync::kWriter,
                            std::chrono::microseconds syncTime = std::chrono::microseconds(200));
    ~MemoryBlockLog() override;

    // Everything appended so far is durable now.
    void makeDurable();
    // From now on the log has failed.
    void breakDown();

    // All lines appended, in order, of blocks that `wanted` accepts (no function: of all). Lines
    // keep a '\r'.
    std::vector<std::string> lines(
        const std::function<bool(const core::BlockOrigin&)>& wanted = {}) const;
    std::vector<std::string> sessionText(const std::string& session) const;
    std::vector<core::BlockOrigin> origins() const;
    // Of each block.
    std::vector<std::string> blockBytes() const;
    std::uint64_t lineCount() const;
    std::uint64_t oversizeCount() const;
    // Lets the buffers go that are held for lines() to read, as a complete batch does; only
    // their counts remain.
    void releaseBlocks();
    // lines() and releaseBlocks() in one step.
    std::vector<std::string> takeLines();

    Outcome append(core::BlockPtr block) override;
    core::Result<core::Lsn> appendRecord(const core::BatchRecord&) override;
    std::string position(std::string_view lane) const override;
    std::size_t laneCount() const override;
    core::Lsn durable() const override;
    core::Lsn last() const override;
    bool idle() const override;
    core::Result<> waitDurable(core::Lsn lsn) override;
    void onDurable(std::function<void(core::Result<core::Lsn>)> listener) override;
    std::vector<core::BlockPtr> take(std::size_t) override { return {}; }
    std::size_t pendingBlocks() const override { return 0; }
    core::Result<> trim(core::Lsn) override { return {}; }
    std::uint64_t sizeBytes() const override { return 0; }
    std::uint64_t writtenBytes() const override { return 0; }
    std::uint32_t epoch() const override { return 7; }

private:
    void holdWrites() override;
    void resumeWrites() override;
    void write();
    static std::vector<std::string> cut(
        const std::deque<core::BlockPtr>& blocks,
        const std::function<bool(const core::BlockOrigin&)>& wanted);

    const std::chrono::microseconds syncTime_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<core::BlockPtr> blocks_;
    core::Lanes lanes_;
    std::vector<std::function<void(core::Result<core::Lsn>)>> listeners_;
    core::Lsn last_;
    core::Lsn durable_;
    std::uint64_t lineCount_ = 0;
    std::uint64_t oversizeCount_ = 0;
    int holds_ = 0;
    bool failed_ = false;
    bool ending_ = false;
    std::thread writer_;
};

}  // namespace tidemill::test
