// runningTotals: for every key the sum of all its values since the data directory began.
//
// Integers are exact in any order, so a batch only adds to the delta and RocksDB is read when
// somebody looks at a total: ten times as fast as reading first (state.large). Sums of doubles
// read the total before.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "state/operators/state_views.h"

namespace tidemill::state {

template <class V>
inline constexpr ValueKind kTotalsKind =
    std::is_integral_v<V> ? ValueKind::kSum : ValueKind::kBytes;

// Takes a stream of pairs whose keys lie in their ranges, each once.
template <class K, class V>
class RunningTotalsNode final : public core::Node, public core::Consumer<std::pair<K, V>> {
    static_assert(std::is_arithmetic_v<V>,
                  "runningTotals adds numbers; for other values use "
                  "updateStateByKey");

public:
    using In = std::pair<K, V>;

    RunningTotalsNode(std::shared_ptr<core::StreamNode<In>> parent,
                      std::shared_ptr<BoundTable> table, std::shared_ptr<TouchedView<K, V>> touched)
        : Node("runningTotals"),
          parent_(std::move(parent)),
          table_(std::move(table)),
          touched_(std::move(touched)) {
        addParent(*parent_);
        parent_->addConsumer(*this);
        require();
    }

    void beginBatch(core::BatchRun& run) override { table_->beginBatch(run); }

    std::unique_ptr<core::Sink<In>> open(core::TaskContext& task) override {
        return std::make_unique<TotalsSink>(*this, task);
    }

    void runStage(core::BatchRun& run) override {
        if (run.isActive(parent_->slide())) table_->removeIdle(run);
    }

private:
    class TotalsSink final : public core::Sink<In> {
    public:
        TotalsSink(RunningTotalsNode& node, core::TaskContext& task)
            : touched_(node.touched_->noting() ? &node.touched_->keys(task.partition) : nullptr),
              table_(*node.table_),
              partition_(task.partition),
              range_(node.table_->table->range(task.partition)),
              arena_(task.arena) {}

        void take(std::span<In> chunk) override {
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            if constexpr (std::is_integral_v<V>) {
                operands_.clear();
                for (const auto& [key, value] : chunk)
                    operands_.push_back(static_cast<std::uint64_t>(value));
                core::orThrow(range_.merge(keys, chunk.size(), operands_.data()));
            } else {
                core::orThrow(range_.get(keys, chunk.size(), lookup_));
                addTo(chunk, keys);
            }
            if (touched_) note(keys, chunk.size());
            table_.touch(partition_, keys, chunk.size());
        }
        void finish() override {}

    private:
        void addTo(std::span<In> chunk, core::KeyViews keys) {
            totals_.assign(chunk.size(), {});
            values_.clear();
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                V total = chunk[i].second;
                if (lookup_.found(i)) total += valueFrom<V>(ValueKind::kBytes, lookup_.bytes(i));
                core::ValueCodec<V>::encode(total, totals_[i]);
            }
            for (const auto& bytes : totals_) values_.push_back(bytes);
            core::orThrow(range_.put(keys, chunk.size(), values_.data()));
        }

        // Views in the elements live as long as the batch; encoded keys do not.
        void note(core::KeyViews keys, std::size_t count) {
            for (std::size_t i = 0; i < count; ++i) {
                std::string_view key = keys[i];
                if constexpr (!std::is_same_v<K, std::string_view>) key = arena_.copy(key);
                touched_->push_back(key);
            }
        }

        std::vector<std::string_view>* touched_;
        BoundTable& table_;
        std::uint32_t partition_;
        StateRange& range_;
        core::Arena& arena_;
        core::ChunkKeys<K> keys_;
        std::vector<std::uint64_t> operands_;
        Lookup lookup_;
        std::vector<std::string> totals_;
        std::vector<std::string_view> values_;
    };

    std::shared_ptr<core::StreamNode<In>> parent_;
    std::shared_ptr<BoundTable> table_;
    std::shared_ptr<TouchedView<K, V>> touched_;
};

}  // namespace tidemill::state
