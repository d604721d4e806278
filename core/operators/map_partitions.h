// mapPartitions: a function of all elements of a partition at once.
#pragma once

#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/kept.h"
#include "core/stream_node.h"
#include "core/views.h"

namespace tidemill::core {

// f(std::span<In>) returns a range. A partition's elements are held in memory for it.
template <class In, class Out, class F>
class MapPartitionsNode final : public NarrowNode<In, Out> {
public:
    MapPartitionsNode(std::string kind, std::shared_ptr<StreamNode<In>> parent, F function)
        : NarrowNode<In, Out>(std::move(kind), std::move(parent)), function_(std::move(function)) {
        this->setUserFunction(identityOf(function_));
    }

private:
    class PartitionSink final : public Sink<In> {
    public:
        PartitionSink(const F& function, Arena& arena, Downstream<Out> below)
            : function_(function, arena), all_(arena), below_(std::move(below)) {}
        void take(std::span<In> chunk) override {
            (*all_).insert((*all_).end(), std::make_move_iterator(chunk.begin()),
                           std::make_move_iterator(chunk.end()));
        }
        void finish() override {
            ChunkBuffer<Out> out;
            for (auto&& made : std::invoke(*function_, std::span<In>(*all_))) {
                typename ChunkBuffer<Out>::Pusher(out).push(std::forward<decltype(made)>(made));
                if (out.full()) out.flushInto(*below_);
            }
            if (!out.empty()) out.flushInto(*below_);
            below_->finish();
        }
        std::size_t wanted() const override {
            return below_->wanted() == 0 ? 0 : static_cast<std::size_t>(-1);
        }

    private:
        TaskFunction<F, kMayHoldViews<Out>> function_;
        KeptVector<In, kMayPointInto<Out, std::vector<In>>> all_;
        Downstream<Out> below_;
    };

    std::unique_ptr<Sink<In>> makeSink(TaskContext& task, Downstream<Out> below) override {
        return std::make_unique<PartitionSink>(function_, task.arena, std::move(below));
    }

    F function_;
};

}  // namespace tidemill::core
