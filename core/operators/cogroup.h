// cogroup: for every key of two streams, its values in both; what the joins are made of.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/chunk_keys.h"
#include "core/key_table.h"
#include "core/stream_node.h"
#include "core/views.h"

namespace tidemill::core {

template <class V, class W>
using BothValues = std::pair<std::vector<V>, std::vector<W>>;

// What a join makes of a key's values: every two of them, in the order of the left ones. A side
// that may be nothing, Left or Right being an optional, is so for each value of the other when it
// has none.
template <class V, class W, class Left, class Right>
std::vector<std::pair<Left, Right>> joined(const BothValues<V, W>& both) {
    const auto& [lefts, rights] = both;
    std::vector<std::pair<Left, Right>> all;
    for (const auto& left : lefts) {
        if constexpr (!std::is_same_v<Right, W>)
            if (rights.empty()) all.emplace_back(left, std::nullopt);
        for (const auto& right : rights) all.emplace_back(left, right);
    }
    if constexpr (!std::is_same_v<Left, V>)
        if (lefts.empty())
            for (const auto& right : rights) all.emplace_back(std::nullopt, right);
    return all;
}

// A right outer join's, in the order of the right ones.
template <class V, class W>
std::vector<std::pair<std::optional<V>, W>> joinedByRight(const BothValues<V, W>& both) {
    std::vector<std::pair<std::optional<V>, W>> all;
    for (const auto& right : both.second) {
        if (both.first.empty()) all.emplace_back(std::nullopt, right);
        for (const auto& left : both.first) all.emplace_back(left, right);
    }
    return all;
}

// Of two streams that groupByKey made; both lie in the same key ranges.
template <class K, class V, class W>
class CogroupNode final : public RootNode<std::pair<K, BothValues<V, W>>> {
public:
    using Left = std::pair<K, std::vector<V>>;
    using Right = std::pair<K, std::vector<W>>;
    using Out = std::pair<K, BothValues<V, W>>;

    CogroupNode(std::shared_ptr<StreamNode<Left>> left, std::shared_ptr<StreamNode<Right>> right)
        : RootNode<Out>("cogroup"), left_(std::move(left)), right_(std::move(right)) {
        this->addParent(*left_);
        this->addParent(*right_);
    }

    Keyed keyed() const override { return Keyed::kRangedUnique; }
    Duration slide() const override { return Node::slideOf(*left_, *right_); }
    std::uint32_t partitions(BatchRun&) override { return kKeyRanges; }

    void scan(TaskContext& task, BatchRun& run, Sink<Out>& sink) override {
        Table table;
        if (left_->partitions(run) != 0) {
            auto side = table.template side<0, Left>();
            left_->scan(task, run, side);
        }
        if (right_->partitions(run) != 0) {
            auto side = table.template side<1, Right>();
            right_->scan(task, run, side);
        }
        std::vector<Out> chunk;
        for (std::size_t rank = 0; rank < table.keys.size();) {
            const std::size_t count =
                std::min({kChunkElements, table.keys.size() - rank, sink.wanted()});
            if (count == 0) return;
            chunk.clear();
            for (const std::size_t end = rank + count; rank < end; ++rank) {
                // Views must outlive this scan, whose table they would point into.
                std::string_view key = table.keys.keyOf(table.keys.slotAt(rank));
                if constexpr (kHoldsTextViews<K>) key = task.arena.copy(key);
                chunk.emplace_back(KeyCodec<K>::decode(key), std::move(table.values[rank]));
            }
            sink.take(chunk);
        }
    }

private:
    struct Table {
        KeyTable keys;
        std::deque<BothValues<V, W>> values;  // by rank

        template <std::size_t kSide, class In>
        class Side final : public Sink<In> {
        public:
            explicit Side(Table& table) : table_(table) {}
            void take(std::span<In> chunk) override {
                const KeyViews views = pairKeys(keys_, chunk);
                for (std::size_t i = 0; i < chunk.size(); ++i) {
                    std::string_view key = views[i];
                    bool fresh = false;
                    const auto& slot = table_.keys.insert(key, fresh);
                    if (fresh) table_.values.emplace_back();
                    std::get<kSide>(table_.values[slot.rank]) = std::move(chunk[i].second);
                }
            }
            void finish() override {}

        private:
            Table& table_;
            ChunkKeys<typename In::first_type> keys_;
        };
        template <std::size_t kSide, class In>
        Side<kSide, In> side() {
            return Side<kSide, In>(*this);
        }
    };

    std::shared_ptr<StreamNode<Left>> left_;
    std::shared_ptr<StreamNode<Right>> right_;
};

}  // namespace tidemill::core
