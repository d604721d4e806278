// transform, transformWith: any function of a whole batch, or of two streams' batches.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "core/batch.h"
#include "core/operators/collected.h"
#include "core/stream_node.h"

namespace tidemill::core {

// f(batch…) or f(batch…, time) returns std::vector<Out>. Runs on the scheduler's thread.
template <class Out, class F, class... Ins>
class TransformNode final : public RootNode<Out> {
public:
    TransformNode(std::string kind, F function, std::shared_ptr<StreamNode<Ins>>... parents)
        : RootNode<Out>(std::move(kind)),
          function_(std::move(function)),
          parents_(std::move(parents)...) {
        std::apply([this](auto&... parent) { (this->addParent(*parent), ...); }, parents_);
        this->setUserFunction(identityOf(function_));
    }

    Duration slide() const override {
        return std::apply([](auto&... parent) { return std::min({parent->slide()...}); }, parents_);
    }

    void runStage(BatchRun& run) override {
        if (!this->required() || !run.isActive(slide())) return;
        std::apply(
            [&](auto&... parent) {
                std::tuple<Batch<Ins>...> batches(Batch<Ins>(*parent, run)...);
                std::apply(
                    [&](auto&... batch) {
                        if constexpr (std::invocable<F&, Batch<Ins>&..., BatchTime>)
                            made_ = std::invoke(function_, batch..., run.record().time);
                        else made_ = std::invoke(function_, batch...);
                    },
                    batches);
            },
            parents_);
        RootNode<Out>::runStage(run);
    }

    std::uint32_t partitions(BatchRun&) override { return 1; }
    void scan(TaskContext&, BatchRun&, Sink<Out>& sink) override {
        pushCopies(made_, 0, made_.size(), sink);
    }
    void endBatch() override { made_.clear(); }

private:
    F function_;
    std::tuple<std::shared_ptr<StreamNode<Ins>>...> parents_;
    std::vector<Out> made_;
};

}  // namespace tidemill::core
