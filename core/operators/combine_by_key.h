// The generic keyed reduction behind reduceByKey, combineByKey and groupByKey.
//
// Phase one: every task reduces its partition into a key table of its own; when the phase ends the
// tables are put into the order of the stream. Phase two: whoever reads a key range first merges
// the tables' entries of that range, in their order, and all who read it see that. The order
// follows from the batch's record alone, so sums of doubles come out the same on every re-run.
//
// Values of up to 32 bytes lie in the line of their key, and numbers as keys are never bytes: 75 ->
// 116 million/s in numbers.memory.
#pragma once

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/chunk_keys.h"
#include "core/kept.h"
#include "core/key_group.h"
#include "core/key_table.h"
#include "core/slot_values.h"
#include "core/stream_node.h"
#include "core/views.h"

namespace tidemill::core {

// A combiner says how values V of a key become one C:
//   C create(V&&); void add(C&, V&&); void merge(C&, C&&)
template <class V, class C, class Create, class MergeValue, class MergeCombiners>
struct FunctionCombiner {
    Create createFrom;
    MergeValue mergeValue;
    MergeCombiners mergeCombiners;

    C create(V&& value) const { return std::invoke(createFrom, std::move(value)); }
    void add(C& c, V&& value) const { c = std::invoke(mergeValue, std::move(c), std::move(value)); }
    void merge(C& c, C&& other) const {
        c = std::invoke(mergeCombiners, std::move(c), std::move(other));
    }
};

template <class K, class V, class C, class Combiner>
class CombineByKeyNode final : public RootNode<std::pair<K, C>>, public Consumer<std::pair<K, V>> {
public:
    using In = std::pair<K, V>;
    using Out = std::pair<K, C>;

    CombineByKeyNode(std::string kind, std::shared_ptr<StreamNode<In>> parent, Combiner combiner)
        : RootNode<Out>(std::move(kind)), parent_(std::move(parent)), combiner_(combiner) {
        this->addParent(*parent_);
        parent_->addConsumer(*this);
    }

    Keyed keyed() const override { return Keyed::kRangedUnique; }
    Duration slide() const override { return parent_->slide(); }

    std::unique_ptr<Sink<In>> open(TaskContext& task) override {
        if (!this->required()) return nullptr;
        return std::make_unique<PhaseOne>(*this, task);
    }

    void runStage(BatchRun& run) override {
        std::sort(partials_.begin(), partials_.end(),
                  [](const auto& a, const auto& b) { return a->order < b->order; });
        RootNode<Out>::runStage(run);
    }

    void endBatch() override {
        for (auto& table : partials_) {
            table->clear();
            spare_.push_back(std::move(table));
        }
        partials_.clear();
        for (auto& range : ranges_) {
            if (range.table.size() != 0) range.clear();  // an unused one keeps its memory
            range.isMerged = false;
            range.failure = nullptr;
        }
    }

    std::uint32_t partitions(BatchRun&) override { return partials_.empty() ? 0 : kKeyRanges; }

    void scan(TaskContext& task, BatchRun&, Sink<Out>& sink) override {
        const std::uint32_t range = task.partition;
        // Entries of one task alone are unique already.
        if (partials_.size() == 1) {
            const auto& only = *partials_.front();
            return push(only, only.rangeRanks[range].size(),
                        [&](std::size_t i) { return only.rangeRanks[range][i]; }, sink);
        }
        const Table& merged = mergedRange(range);
        push(merged, merged.table.size(), [](std::size_t i) { return i; }, sink);
    }

private:
    static constexpr bool kNumbers =
        KeyCodec<K>::kFixedWidth && (kInlineValue<C> || kWideValue<C>);

    struct Table {
        KeyTable table{KeyTable::processSeed(), kSlotWidth<C>};
        SlotValues<C> values;

        void add(const Combiner& combiner, KeyViews keys, std::size_t count, auto&& valueAt,
                 auto&& create, auto&& change) {
            std::array<KeyTable::Slot*, kChunkElements> slots;
            std::array<std::uint64_t, kChunkElements / 64> fresh;
            table.locate(keys.first, keys.strideBytes, count, slots.data(), fresh.data());
            for (std::size_t group = 0; group < count; group += 64) {
                const std::size_t end = std::min(count, group + 64);
                std::uint64_t isFresh = fresh[group / 64];
                SlotValues<C>::prefetch(slots.data() + group, end - group);
                if (isFresh == 0) {
                    for (std::size_t i = group; i < end; ++i)
                        values.update(*slots[i], [&](C& c) { change(combiner, c, valueAt(i)); });
                    continue;
                }
                for (std::size_t i = group; i < end; ++i, isFresh >>= 1) {
                    if (isFresh & 1)
                        values.create(*slots[i], create(combiner, valueAt(i)));
                    else
                        values.update(*slots[i], [&](C& c) { change(combiner, c, valueAt(i)); });
                }
            }
        }

        // Numbers as keys, whose values lie beside them: made, found and changed 64 at a time.
        void addNumbers(const Combiner& combiner, std::span<In> chunk)
            requires kNumbers
        {
            constexpr std::uint64_t kSize = std::uint64_t{sizeof(K) + 1} << 56;
            table.visitWords(
                chunk.size(),
                [&](std::size_t i) {
                    return KeyGroupProbe::Words{KeyCodec<K>::encodedWord(chunk[i].first), kSize};
                },
                [&](std::size_t i, KeyTable::Slot& slot, bool isFresh) {
                    V&& value = std::move(chunk[i].second);
                    if (isFresh) values.create(slot, combiner.create(std::move(value)));
                    else values.update(slot, [&](C& c) { combiner.add(c, std::move(value)); });
                });
        }

        void clear() {
            values.clear();
            table.clear();
        }
    };

    // What one task found.
    struct Partial : Table {
        TaskOrder order;
        // Ranks of the entries of each key range, in insertion order. Set when phase one ends.
        std::array<std::vector<std::uint32_t>, kKeyRanges> rangeRanks;

        void clear() {
            Table::clear();
            for (auto& ranks : rangeRanks) ranks.clear();
        }
    };

    // What all tasks found of a key range.
    struct Range : Table {
        std::mutex mutex;  // of the two below, and of the table until it is merged
        bool isMerged = false;
        std::exception_ptr failure;  // what the merge threw, for all who ask for the range
    };

    class PhaseOne final : public Sink<In> {
    public:
        PhaseOne(CombineByKeyNode& node, TaskContext& task)
            : node_(node), combiner_(node.combiner_, task.arena), table_(node.freshPartial()) {
            table_->order = task.order();
        }
        void take(std::span<In> chunk) override {
            if constexpr (kNumbers) {
                table_->addNumbers(*combiner_, chunk);
            } else {
                table_->add(
                    *combiner_, pairKeys(keys_, chunk), chunk.size(),
                    [&](std::size_t i) -> V&& { return std::move(chunk[i].second); },
                    [](const Combiner& combiner, V&& v) { return combiner.create(std::move(v)); },
                    [](const Combiner& combiner, C& c, V&& v) { combiner.add(c, std::move(v)); });
            }
        }
        void finish() override {
            for (std::uint32_t rank = 0; rank < table_->table.size(); ++rank) {
                table_->table.prefetchAt(rank + KeyTable::kRanksAhead);
                auto& slot = table_->table.slotAt(rank);
                slot.group = keyGroup(table_->table.keyOf(slot));
                table_->rangeRanks[keyRangeOf(slot.group)].push_back(rank);
            }
            node_.addPartial(std::move(table_));
        }

    private:
        CombineByKeyNode& node_;
        TaskFunction<Combiner, kMayHoldViews<C>> combiner_;
        std::unique_ptr<Partial> table_;
        ChunkKeys<K> keys_;
    };

    // Moves values out of the tables, so it must happen once.
    const Table& mergedRange(std::uint32_t number) {
        Range& range = ranges_[number];
        std::lock_guard lock(range.mutex);
        if (range.failure) std::rethrow_exception(range.failure);
        if (!range.isMerged) {
            try {
                mergeRange(number, range);
            } catch (...) {
                range.failure = std::current_exception();
                throw;
            }
            range.isMerged = true;
        }
        return range;
    }

    void mergeRange(std::uint32_t range, Table& merged) {
        std::vector<std::string_view> keys(kChunkElements);
        std::vector<KeyTable::Slot*> from(kChunkElements);
        for (auto& partial : partials_) {
            const auto& ranks = partial->rangeRanks[range];
            for (std::size_t begin = 0; begin < ranks.size(); begin += kChunkElements) {
                const std::size_t count = std::min(kChunkElements, ranks.size() - begin);
                for (std::size_t i = 0; i < count; ++i) {
                    partial->table.prefetchAt(
                        ranks[std::min(begin + i + KeyTable::kRanksAhead, ranks.size() - 1)]);
                    from[i] = &partial->table.slotAt(ranks[begin + i]);
                    keys[i] = partial->table.keyOf(*from[i]);
                }
                merged.add(
                    combiner_, {reinterpret_cast<const char*>(keys.data())}, count,
                    [&](std::size_t i) { return partial->values.take(*from[i]); },
                    [](const Combiner&, C&& c) { return std::move(c); },
                    [](const Combiner& combiner, C& c, C&& other) {
                        combiner.merge(c, std::move(other));
                    });
            }
        }
    }

    template <class RankAt>
    static void push(const Table& from, std::size_t count, RankAt&& rankAt, Sink<Out>& sink) {
        std::vector<Out> chunk;
        for (std::size_t begin = 0; begin < count;) {
            const std::size_t size =
                std::min({kChunkElements, count - begin, sink.wanted()});
            if (size == 0) return;
            chunk.clear();
            for (std::size_t i = begin; i < begin + size; ++i) {
                from.table.prefetchAt(rankAt(std::min(i + KeyTable::kRanksAhead, count - 1)));
                const auto& slot = from.table.slotAt(static_cast<std::uint32_t>(rankAt(i)));
                chunk.emplace_back(KeyCodec<K>::decode(from.table.keyOf(slot)),
                                   from.values.get(slot));
            }
            sink.take(chunk);
            begin += size;
        }
    }

    std::unique_ptr<Partial> freshPartial() {
        std::lock_guard lock(mutex_);
        if (spare_.empty()) return std::make_unique<Partial>();
        auto table = std::move(spare_.back());
        spare_.pop_back();
        return table;
    }
    void addPartial(std::unique_ptr<Partial> table) {
        std::lock_guard lock(mutex_);
        partials_.push_back(std::move(table));
    }

    std::shared_ptr<StreamNode<In>> parent_;
    Combiner combiner_;
    std::mutex mutex_;
    // Kept from batch to batch apart from the ranges' tables, which hold a sixteenth of the keys:
    // each table has grown to its use already.
    std::vector<std::unique_ptr<Partial>> spare_;
    std::vector<std::unique_ptr<Partial>> partials_;
    std::array<Range, kKeyRanges> ranges_;
};

}  // namespace tidemill::core
