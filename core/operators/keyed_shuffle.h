// What the operators that shuffle by key share: the tables of a batch's tasks, and how they become
// one table for each key range.
//
// Phase one: every task fills a table of its own from its partition; when the phase ends the tables
// are put into the order of the stream. Phase two: whoever reads a key range first merges the
// tables' entries of that range, in their order, and all who read it see that. The order follows
// from the batch's record alone, so sums of doubles come out the same on every re-run.
#pragma once

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/key_group.h"
#include "core/key_table.h"
#include "core/mutant.h"
#include "core/stream_node.h"

namespace tidemill::core {

// `Table` has
//   KeyTable& keys();   its entries, by rank
//   void clear();       forgets them and keeps the memory
// Thread safety: as of every node; tables belong to one task or, merged, to a range's lock.
template <class In, class Out, class Table>
class KeyedShuffle : public RootNode<Out>, public Consumer<In> {
public:
    KeyedShuffle(std::string kind, std::shared_ptr<StreamNode<In>> parent)
        : RootNode<Out>(std::move(kind)), parent_(std::move(parent)) {
        this->addParent(*parent_);
        parent_->addConsumer(*this);
    }

    Keyed keyed() const override { return Keyed::kRangedUnique; }
    Duration slide() const override { return parent_->slide(); }

    std::size_t heldBytes() const override {
        std::size_t bytes = 0;
        for (const auto& partial : partials_) bytes += bytesOf(*partial->table);
        for (const auto& range : ranges_)
            if (range.table) bytes += bytesOf(*range.table);
        return bytes;
    }

    std::unique_ptr<Sink<In>> open(TaskContext& task) override {
        if (!this->required()) return nullptr;
        return makePhaseOne(task);
    }

    void runStage(BatchRun& run) override {
        std::sort(partials_.begin(), partials_.end(),
                  [](const auto& a, const auto& b) { return a->order < b->order; });
        RootNode<Out>::runStage(run);
    }

    void endBatch() override {
        for (auto& partial : partials_) {
            partial->table->clear();
            for (auto& ranks : partial->rangeRanks) ranks.clear();
            preallocated_.push_back(std::move(partial));
        }
        partials_.clear();
        for (auto& range : ranges_) {
            if (range.table && range.table->keys().size() != 0) range.table->clear();
            range.isMerged = false;
            range.failure = nullptr;
        }
    }

    std::uint32_t partitions(BatchRun&) override { return partials_.empty() ? 0 : kKeyRanges; }

    void scan(TaskContext& task, BatchRun&, Sink<Out>& sink) override {
        const std::uint32_t range = task.partition;
        // Entries of one task alone are unique already.
        if (partials_.size() == 1) {
            const auto& ranks = partials_.front()->rangeRanks[range];
            return push(task, *partials_.front()->table, ranks.data(), ranks.size(), sink);
        }
        Table& merged = mergedRange(range);
        push(task, merged, nullptr, merged.keys().size(), sink);
    }

protected:
    // What one task found.
    struct Partial {
        std::unique_ptr<Table> table;
        TaskOrder order;
        // Ranks of the entries of each key range, in insertion order. Set when phase one ends.
        std::array<std::vector<std::uint32_t>, kKeyRanges> rangeRanks;
    };

    // A task's sink; a subclass says how elements get into the table.
    class PhaseOne : public Sink<In> {
    public:
        PhaseOne(KeyedShuffle& node, TaskContext& task)
            : node_(node), partial_(node.freshPartial()) {
            partial_->order = task.order();
        }
        void finish() override {
            KeyTable& keys = table().keys();
            for (std::uint32_t rank = 0; rank < keys.size(); ++rank) {
                keys.prefetchAt(rank + KeyTable::kRanksAhead);
                auto& slot = keys.slotAt(rank);
                slot.group = keyGroup(keys.keyOf(slot));
                partial_->rangeRanks[keyRangeOf(slot.group)].push_back(rank);
            }
            node_.addPartial(std::move(partial_));
        }

    protected:
        Table& table() { return *partial_->table; }

    private:
        KeyedShuffle& node_;
        std::unique_ptr<Partial> partial_;
    };

    virtual std::unique_ptr<Table> makeTable() const = 0;
    // Memory held.
    virtual std::size_t bytesOf(Table& table) const { return table.keys().bytes(); }
    virtual std::unique_ptr<Sink<In>> makePhaseOne(TaskContext& task) = 0;
    // Brings the entries of `from` with these ranks into `into`; may move from them.
    virtual void merge(Table& into, Table& from, std::span<const std::uint32_t> ranks) const = 0;
    // Pushes `count` entries, those of `ranks` (null pointer: in the order of their ranks), as long
    // as the sink wants more. Several tasks may do so at the same time.
    virtual void push(TaskContext& task, Table& from, const std::uint32_t* ranks, std::size_t count,
                      Sink<Out>& sink) const = 0;

private:
    // What all tasks found of a key range.
    struct Range {
        std::mutex mutex;  // of the others, and of the table until it is merged
        std::unique_ptr<Table> table;
        bool isMerged = false;
        std::exception_ptr failure;  // what the merge threw, for all who ask for the range
    };

    // Values may be moved out of the tasks' tables, so it must happen once.
    Table& mergedRange(std::uint32_t number) {
        Range& range = ranges_[number];
        std::lock_guard lock(range.mutex);
        if (range.failure) std::rethrow_exception(range.failure);
        if (!range.isMerged) {
            try {
                if (!range.table) range.table = makeTable();
                for (auto& partial : partials_)
                    merge(*range.table, *partial->table, partial->rangeRanks[number]);
            } catch (...) {
                range.failure = std::current_exception();
                throw;
            }
            range.isMerged = !TM_MUTANT(range_merged_twice);
        }
        return *range.table;
    }

    std::unique_ptr<Partial> freshPartial() {
        std::lock_guard lock(mutex_);
        if (preallocated_.empty()) {
            auto made = std::make_unique<Partial>();
            made->table = makeTable();
            return made;
        }
        auto partial = std::move(preallocated_.back());
        preallocated_.pop_back();
        return partial;
    }
    void addPartial(std::unique_ptr<Partial> partial) {
        std::lock_guard lock(mutex_);
        partials_.push_back(std::move(partial));
    }

    std::shared_ptr<StreamNode<In>> parent_;
    std::mutex mutex_;
    // Kept from batch to batch apart from the ranges' tables, which hold a sixteenth of the keys:
    // each table has grown to its use already.
    std::vector<std::unique_ptr<Partial>> preallocated_;
    std::vector<std::unique_ptr<Partial>> partials_;
    std::array<Range, kKeyRanges> ranges_;
};

}  // namespace tidemill::core
