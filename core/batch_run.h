// One batch while it runs: its record, its blocks, and the memory that lives as long as it does.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/batch_record.h"
#include "core/block.h"
#include "core/failed_records.h"
#include "core/result_mark.h"
#include "core/task_context.h"
#include "core/time.h"
#include "core/workers.h"

namespace tidemill::core {

// Thread safety: record and blocks are immutable; arenas are handed out under a lock.
class BatchRun {
public:
    // `failed` takes the records whose function throws; null: such a record fails the batch.
    // `owner` is the identity of the data directory.
    BatchRun(const BatchRecord& record, std::vector<BlockPtr> blocks, Workers& workers,
             FailedRecords* failed = nullptr, std::string owner = {})
        : record_(record),
          blocks_(std::move(blocks)),
          workers_(workers),
          failed_(failed),
          owner_(std::move(owner)) {}

    const BatchRecord& record() const { return record_; }
    const std::vector<BlockPtr>& blocks() const { return blocks_; }
    Workers& workers() const { return workers_; }
    FailedRecords* failedRecords() const { return failed_; }
    ProgressMarker* marker() const {
        return failed_ == nullptr ? nullptr : failed_->rules().marker;
    }
    // Whose results outputs publish.
    ResultMark mark() const { return resultMark(owner_, record_); }

    // True when a stream of this slide has a batch at this time; zero: always.
    bool isActive(Duration slide) const {
        return slide == Duration(0) || (record_.time - record_.zeroTime) % slide == Duration(0);
    }

    // A fresh arena; lives until the run is destroyed.
    Arena& newArena() {
        std::lock_guard lock(mutex_);
        arenas_.push_back(std::make_unique<Arena>());
        return *arenas_.back();
    }

    // A block's bytes that stay until the batch, or while outputs run the present one, is done.
    void keep(const Block& block, BlockBytes bytes) {
        std::lock_guard lock(mutex_);
        kept_.emplace_back(&block, std::move(bytes));
    }
    // What is kept. Not while tasks run.
    const std::vector<std::pair<const Block*, BlockBytes>>& kept() const { return kept_; }
    // An output is done: what has been kept since there were `count` goes.
    void keepOnly(std::size_t count) {
        kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(count), kept_.end());
    }

    // So many bytes of memory are held until the batch is done because it is as large as it is.
    void noteHeld(std::size_t bytes) { held_ += bytes; }
    // All that was noted, and the arenas. Not while tasks run.
    std::size_t heldBytes() const {
        std::size_t bytes = held_;
        for (const auto& arena : arenas_) bytes += arena->bytes();
        return bytes;
    }

    // A number for a scan. Thread-safe.
    std::uint32_t newScan() { return ++scans_; }

    // The next `count` task ordinals. Called by the scheduler's thread only.
    std::uint64_t takeOrdinals(std::uint64_t count) {
        const auto first = nextOrdinal_;
        nextOrdinal_ += count;
        return first;
    }

private:
    const BatchRecord& record_;
    std::vector<BlockPtr> blocks_;
    Workers& workers_;
    FailedRecords* failed_;
    const std::string owner_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Arena>> arenas_;
    std::vector<std::pair<const Block*, BlockBytes>> kept_;
    std::atomic<std::size_t> held_ = 0;
    std::uint64_t nextOrdinal_ = 0;
    std::atomic<std::uint32_t> scans_ = 0;
};

}  // namespace tidemill::core
