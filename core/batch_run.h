// One batch while it runs: its record, its blocks, and the memory that lives as long as it does.
#pragma once

#include <atomic>
#include <compare>
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
#include "core/time.h"
#include "core/workers.h"

namespace tidemill::core {

// See TaskContext::order.
struct TaskOrder {
    std::uint64_t way = 0;
    std::uint64_t ordinal = 0;
    auto operator<=>(const TaskOrder&) const = default;
};

// Lets a root push the first `limit` records of a partition only, and notes the last of them.
struct RecordProbe {
    std::uint64_t limit = ~std::uint64_t{0};
    std::uint64_t seen = 0;
    RecordPlace last;
};

// What a task's operators may use. Thread safety: worker-confined.
struct TaskContext {
    // Bytes that live until the batch is complete.
    Arena& arena;
    // Grows with every task of the batch in an order that follows from the batch's record alone.
    std::uint64_t ordinal = 0;
    // Partition of the stage that the task runs.
    std::uint32_t partition = 0;
    // Takes the records whose function throws; it says whether the batch goes on without them.
    FailedRecords* failed = nullptr;
    // 0 in stages; else the number of the scan that the task is part of.
    std::uint32_t scanNumber = 0;
    // On which way from its root the stream at hand is reached while sinks are opened; on which way
    // its parents are reached in a scan. See StreamNode::ways.
    std::uint64_t way = 0;
    // For roots that can; see Node::probes.
    RecordProbe* probe = nullptr;
    // Told of each record; elements then go one by one through all that follows. Null: nobody asks.
    ProgressMarker* marker = nullptr;

    // Where what a sink collects belongs: an operator that puts what its sinks left behind into
    // this order has its parent's elements in the order of a scan. No two sinks of one operator
    // have the same.
    TaskOrder order() const { return {way, ordinal}; }
};

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
    std::uint32_t newScan() { return ++passes_; }

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
    std::atomic<std::uint32_t> passes_ = 0;
};

}  // namespace tidemill::core
