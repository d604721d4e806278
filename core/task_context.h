// What a task knows of where it is in its batch.
#pragma once

#include <compare>
#include <cstdint>

#include "core/arena.h"
#include "core/batch_record.h"

namespace tidemill::core {

class FailedRecords;
class ProgressMarker;

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

}  // namespace tidemill::core
