// mapWithState: a function that sees each record together with its key's state, may change that,
// and makes an element; and sees keys that have been idle for too long a last time.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/kept.h"
#include "core/operators/collected.h"
#include "core/store_views.h"
#include "state/operators/state_views.h"
#include "state/state.h"

namespace tidemill::state {

template <class R>
struct EmittedBy {
    using type = R;
};
template <class R>
struct EmittedBy<std::optional<R>> {
    using type = R;
};
// f(key, optional value, state), or the same with the batch's time first.
template <class K, class V, class S, class F>
decltype(auto) callMapping(F& f, BatchTime time, const K& key, std::optional<V> value,
                           State<S>& state) {
    if constexpr (std::invocable<F&, const K&, std::optional<V>, State<S>&>)
        return std::invoke(f, key, std::move(value), state);
    else return std::invoke(f, time, key, std::move(value), state);
}

// What mapWithState's function makes: E of E or std::optional<E>.
template <class K, class V, class S, class F>
using Emitted = typename EmittedBy<std::decay_t<decltype(callMapping<K, V, S>(
    std::declval<F&>(), BatchTime(), std::declval<const K&>(), std::optional<V>(),
    std::declval<State<S>&>()))>>::type;

// Takes grouped pairs, keys in their ranges. The elements that the function made are held while the
// batch runs; partition r holds those of range r.
template <class K, class V, class S, class F>
class MapWithStateNode final : public core::RootNode<Emitted<K, V, S, F>>,
                               public core::Consumer<std::pair<K, std::vector<V>>> {
public:
    using In = std::pair<K, std::vector<V>>;
    using Out = Emitted<K, V, S, F>;

    MapWithStateNode(std::shared_ptr<core::StreamNode<In>> grouped,
                     std::shared_ptr<BoundTable> table, F function)
        : core::RootNode<Out>("mapWithState"),
          grouped_(std::move(grouped)),
          table_(std::move(table)),
          function_(std::move(function)) {
        this->addParent(*grouped_);
        grouped_->addConsumer(*this);
        this->require();
        this->setUserFunction(core::identityOf(function_));
    }

    Duration slide() const override { return table_->slide; }
    std::uint32_t partitions(core::BatchRun&) override { return core::kKeyRanges; }

    void beginBatch(core::BatchRun& run) override {
        table_->beginBatch(run);
        time_ = run.record().time;
        // Views in keys that time out live as long as the batch.
        arenas_.clear();
        if (table_->ttl > Duration(0))
            for (std::uint32_t range = 0; range < core::kKeyRanges; ++range)
                arenas_.push_back(&run.newArena());
    }

    std::unique_ptr<core::Sink<In>> open(core::TaskContext& task) override {
        return std::make_unique<RecordSink>(*this, task);
    }

    void runStage(core::BatchRun& run) override {
        if (!run.isActive(this->slide())) return;
        if (table_->ttl > Duration(0))
            core::orThrow(run.workers().run(core::kKeyRanges, [&](std::size_t range) {
                timeOut(static_cast<std::uint32_t>(range));
            }));
        core::RootNode<Out>::runStage(run);
    }

    void scan(core::TaskContext& task, core::BatchRun&, core::Sink<Out>& sink) override {
        const auto& made = made_[task.partition];
        core::pushCopies(made, 0, made.size(), sink);
    }

    void endBatch() override {
        for (auto& made : made_) made.clear();
    }

private:
    using Function = core::TaskFunction<F, core::kMayHoldViews<Out>>;

    class RecordSink final : public core::Sink<In> {
    public:
        RecordSink(MapWithStateNode& node, core::TaskContext& task)
            : node_(node),
              partition_(task.partition),
              arena_(task.arena),
              range_(node.table_->table->range(partition_)),
              function_(node.function_, arena_) {}

        void take(std::span<In> chunk) override {
            const core::KeyViews keys = core::pairKeys(keys_, chunk);
            core::orThrow(range_.get(keys, chunk.size(), lookup_));
            for (std::size_t i = 0; i < chunk.size(); ++i) {
                std::string_view key = keys[i];
                records(key, chunk[i], i);
            }
            // Changes wait until the chunk's answers have been used: a change may invalidate them.
            for (const auto& [key, bytes] : changes_)
                core::orThrow(bytes ? range_.put(key, *bytes) : range_.remove(key));
            changes_.clear();
            node_.table_->touch(partition_, keys, chunk.size());
        }
        void finish() override {}

    private:
        void records(std::string_view key, In& pair, std::size_t i) {
            const bool found = lookup_.found(i);
            std::optional<S> state;
            if (found) state = valueFrom<S>(ValueKind::kBytes, lookup_.bytes(i));
            bool changed = false;
            for (V& value : pair.second) {
                State<S> handle(std::move(state), false);
                node_.emit(partition_, arena_,
                           callMapping<K, V, S>(*function_, node_.time_, pair.first,
                                                std::optional<V>(std::move(value)), handle));
                changed = changed || handle.changed();
                state = handle.getOption();
            }
            if (!changed) return;
            if (state) {
                std::string bytes;
                core::ValueCodec<S>::encode(*state, bytes);
                if (!found || bytes != lookup_.bytes(i))
                    changes_.emplace_back(key, std::move(bytes));
            } else if (found) {
                changes_.emplace_back(key, std::nullopt);
            }
        }

        MapWithStateNode& node_;
        std::uint32_t partition_;
        core::Arena& arena_;
        StateRange& range_;
        Function function_;
        core::ChunkKeys<K> keys_;
        Lookup lookup_;
        std::vector<std::pair<std::string_view, std::optional<std::string>>> changes_;
    };

    void timeOut(std::uint32_t range) {
        auto& states = table_->table->range(range);
        auto& arena = *arenas_[range];
        Function function(function_, arena);
        Lookup lookup;
        core::orThrow(table_->idle[range]->takeIdle(
            table_->idleBefore(), [&](std::string_view bytes) -> core::Result<> {
                // The function may have removed the state long ago.
                TM_TRY(states.get({reinterpret_cast<const char*>(&bytes)}, 1, lookup));
                if (!lookup.found(0)) return {};
                State<S> handle(valueFrom<S>(ValueKind::kBytes, lookup.bytes(0)), true);
                if constexpr (core::kHoldsTextViews<K>) bytes = arena.copy(bytes);
                const K key = core::KeyCodec<K>::decode(bytes);
                emit(range, arena,
                     callMapping<K, V, S>(*function, time_, key, std::nullopt, handle));
                return states.remove(bytes);
            }));
    }

    // While the key and the state that `made` may hold views of are there.
    template <class R>
    void emit(std::uint32_t range, core::Arena& arena, R&& made) {
        if constexpr (std::is_same_v<std::decay_t<R>, Out>) {
            made_[range].push_back(std::forward<R>(made));
        } else {
            if (!made) return;
            made_[range].push_back(*std::forward<R>(made));
        }
        if constexpr (core::kMayPointInto<Out, std::pair<K, S>>)
            core::storeViews(made_[range].back(), arena);
    }

    std::shared_ptr<core::StreamNode<In>> grouped_;
    std::shared_ptr<BoundTable> table_;
    F function_;
    BatchTime time_{};  // of the batch at hand
    std::array<std::vector<Out>, core::kKeyRanges> made_;
    std::vector<core::Arena*> arenas_;
};

}  // namespace tidemill::state
