// The log of a context without a data directory: the same order, nothing on disk.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/block_log.h"

namespace tidemill::core {

// What is appended counts as durable at once. Thread safety: thread-safe.
class MemoryLog final : public BlockLog {
public:
    Outcome append(BlockPtr block) override;
    Result<Lsn> appendRecord(const BatchRecord& record) override;
    std::string position(std::string_view lane) const override;
    std::size_t laneCount() const override;
    Lsn durable() const override { return last(); }
    Lsn last() const override;
    bool idle() const override { return true; }
    Result<> waitDurable(Lsn) override { return {}; }
    void onDurable(std::function<void(Result<Lsn>)> listener) override;
    std::vector<BlockPtr> take(std::size_t bytesMax) override;
    std::size_t pendingBlocks() const override;
    Result<> trim(Lsn) override { return {}; }
    std::uint64_t sizeBytes() const override { return 0; }
    std::uint64_t writtenBytes() const override { return 0; }
    std::uint32_t epoch() const override { return 1; }

private:
    void holdWrites() override {}
    void resumeWrites() override {}
    void report(Lsn durable);

    mutable std::mutex mutex_;
    Lsn last_;
    std::deque<BlockPtr> pending_;
    Lanes lanes_;
    std::vector<std::function<void(Result<Lsn>)>> listeners_;
};

}  // namespace tidemill::core
