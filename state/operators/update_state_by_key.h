// updateStateByKey: a state per key, made from the state before and the batch's new values.
//
// f(std::span<const V> newValues, std::optional<S> state) -> std::optional<S>, or with the batch
// time and the key before these; an empty result removes the key.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/key_group.h"
#include "state/operators/state_views.h"

namespace tidemill::state {

template <class K, class V, class S, class F>
std::optional<S> callUpdate(F& f, BatchTime time, std::string_view key,
                            const std::vector<V>& values, std::optional<S> before) {
    if constexpr (std::invocable<F&, BatchTime, const K&, std::span<const V>, std::optional<S>>) {
        const K decoded = core::KeyCodec<K>::decode(key);
        return std::invoke(f, time, decoded, std::span<const V>(values), std::move(before));
    } else {
        return std::invoke(f, std::span<const V>(values), std::move(before));
    }
}

// What both ways to update share. Takes grouped pairs, keys in their ranges.
template <class K, class V, class F>
class UpdateNode : public core::Node, public core::Consumer<std::pair<K, std::vector<V>>> {
public:
    using In = std::pair<K, std::vector<V>>;

    UpdateNode(std::shared_ptr<core::StreamNode<In>> grouped, std::shared_ptr<BoundTable> table,
               F function)
        : Node("updateStateByKey"),
          grouped_(std::move(grouped)),
          table_(std::move(table)),
          function_(std::move(function)) {
        addParent(*grouped_);
        grouped_->addConsumer(*this);
        require();
        setUserFunction(core::identityOf(function_));
    }

    void beginBatch(core::BatchRun& run) override {
        time_ = run.record().time;
        table_->beginBatch(run);
    }

protected:
    std::shared_ptr<core::StreamNode<In>> grouped_;
    std::shared_ptr<BoundTable> table_;
    F function_;
    BatchTime time_{};  // of the batch at hand
};

// Visits the keys that have new values; the others cost nothing.
template <class K, class V, class S, class F>
class UpdateTouchedNode final : public UpdateNode<K, V, F> {
public:
    using typename UpdateNode<K, V, F>::In;

    UpdateTouchedNode(std::shared_ptr<core::StreamNode<In>> grouped,
                      std::shared_ptr<BoundTable> table, std::shared_ptr<TouchedView<K, S>> touched,
                      F function)
        : UpdateNode<K, V, F>(std::move(grouped), std::move(table), std::move(function)),
          touched_(std::move(touched)) {}

    std::unique_ptr<core::Sink<In>> open(core::TaskContext& task) override {
        return std::make_unique<UpdateSink>(*this, task);
    }

    void runStage(core::BatchRun& run) override {
        if (run.isActive(this->grouped_->slide())) this->table_->removeIdle(run);
    }

private:
    class UpdateSink final : public core::Sink<In> {
    public:
        UpdateSink(UpdateTouchedNode& node, core::TaskContext& task)
            : node_(node),
              range_(node.table_->table->range(task.partition)),
              function_(node.function_),
              task_(task) {}

        void take(std::span<In> chunk) override {
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            core::orThrow(range_.get(keys, chunk.size(), lookup_));
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                std::string_view key = keys[i];
                update(key, chunk[i].second, i);
            }
            for (const auto& [key, bytes] : changes_)
                core::orThrow(bytes ? range_.put(key, *bytes) : range_.remove(key));
            changes_.clear();
            node_.table_->touch(task_.partition, keys, chunk.size());
        }
        void finish() override {}

    private:
        // Changes wait until the chunk's answers have been used: a change may invalidate them.
        void update(std::string_view key, const std::vector<V>& values, std::size_t i) {
            const bool found = lookup_.found(i);
            std::optional<S> before;
            if (found) before = valueFrom<S>(ValueKind::kBytes, lookup_.bytes(i));
            const auto after =
                callUpdate<K, V, S>(function_, node_.time_, key, values, std::move(before));
            if (after) {
                std::string bytes;
                core::ValueCodec<S>::encode(*after, bytes);
                if (!found || bytes != lookup_.bytes(i))
                    changes_.emplace_back(key, std::move(bytes));
            } else if (found) {
                changes_.emplace_back(key, std::nullopt);
            }
            if (node_.touched_->noting()) {
                if constexpr (!std::is_same_v<K, std::string_view>) key = task_.arena.copy(key);
                node_.touched_->keys(task_.partition).push_back(key);
            }
        }

        UpdateTouchedNode& node_;
        StateRange& range_;
        F function_;
        core::TaskContext task_;
        core::ChunkKeys<K> keys_;
        Lookup lookup_;
        std::vector<std::pair<std::string_view, std::optional<std::string>>> changes_;
    };

    std::shared_ptr<TouchedView<K, S>> touched_;
};

// Visits every key that has state or new values: one ordered merge of the stored rows and the
// batch's values, in constant memory beside the batch's.
template <class K, class V, class S, class F>
class UpdateEveryKeyNode final : public UpdateNode<K, V, F> {
public:
    using typename UpdateNode<K, V, F>::In;
    using UpdateNode<K, V, F>::UpdateNode;

    std::unique_ptr<core::Sink<In>> open(core::TaskContext& task) override {
        return std::make_unique<CollectSink>(*this, task);
    }

    // Also without new values: every key is visited in every batch.
    void runStage(core::BatchRun& run) override {
        if (!run.isActive(this->grouped_->slide())) return;
        core::orThrow(run.workers().run(core::kKeyRanges, [&](std::size_t range) {
            updateRange(this->table_->table->range(static_cast<std::uint32_t>(range)),
                        arrivals_[range]);
        }));
        this->table_->removeIdle(run);
    }

    void endBatch() override {
        for (auto& arrivals : arrivals_) arrivals.clear();
    }

private:
    struct Arrival {
        std::uint8_t group;
        std::string_view key;  // lives until the batch is complete
        std::vector<V> values;
        auto order() const { return std::tuple(group, key); }
    };

    class CollectSink final : public core::Sink<In> {
    public:
        CollectSink(UpdateEveryKeyNode& node, core::TaskContext& task)
            : node_(node), task_(task), arrivals_(node.arrivals_[task.partition]) {}
        void take(std::span<In> chunk) override {
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                std::string_view key = keys[i];
                key = task_.arena.copy(key);
                arrivals_.push_back({core::keyGroup(key), key, std::move(chunk[i].second)});
            }
            node_.table_->touch(task_.partition, keys, chunk.size());
        }
        void finish() override {}

    private:
        UpdateEveryKeyNode& node_;
        core::TaskContext task_;
        std::vector<Arrival>& arrivals_;
        core::ChunkKeys<K> keys_;
    };

    void updateRange(StateRange& range, std::vector<Arrival>& arrivals) const {
        std::sort(arrivals.begin(), arrivals.end(),
                  [](const Arrival& a, const Arrival& b) { return a.order() < b.order(); });
        F function = this->function_;
        // Rows of new keys are written after the walk, which sees the range as it began.
        std::vector<std::pair<std::string_view, std::string>> added;
        const auto add = [&](const Arrival& fresh) {
            if (const auto after = callUpdate<K, V, S>(function, this->time_, fresh.key,
                                                       fresh.values, std::nullopt)) {
                added.emplace_back(fresh.key, std::string());
                core::ValueCodec<S>::encode(*after, added.back().second);
            }
        };
        auto next = arrivals.begin();
        const std::vector<V> none;
        auto walker = range.walk();
        std::string bytes;
        while (core::orThrow(walker.next())) {
            const auto row = std::tuple(core::keyGroup(walker.key()), walker.key());
            for (; next != arrivals.end() && next->order() < row; ++next) add(*next);
            const bool touched = next != arrivals.end() && next->order() == row;
            const auto after = callUpdate<K, V, S>(
                function, this->time_, walker.key(), touched ? next->values : none,
                std::optional<S>(valueFrom<S>(ValueKind::kBytes, walker.value())));
            if (touched) ++next;
            if (after) {
                bytes.clear();
                core::ValueCodec<S>::encode(*after, bytes);
                core::orThrow(walker.replace(bytes));
            } else {
                core::orThrow(walker.remove());
            }
        }
        for (; next != arrivals.end(); ++next) add(*next);
        for (const auto& [key, value] : added) core::orThrow(range.put(key, value));
    }

    std::array<std::vector<Arrival>, core::kKeyRanges> arrivals_;
};

}  // namespace tidemill::state
