// forEachBatch: the user's own output operation (Spark's foreachRDD).
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/batch.h"
#include "core/graph.h"

namespace tidemill::core {

// f(batch) or f(batch, time), called once per batch; after a crash once more for the last one.
template <class T, class F>
class ForEachBatch final : public OutputOperation {
public:
    ForEachBatch(std::string description, std::shared_ptr<StreamNode<T>> node, F function)
        : description_(std::move(description)),
          node_(std::move(node)),
          function_(std::move(function)) {
        node_->require();
    }

    std::string describe() const override { return description_; }
    bool holdsRecords() const override { return node_->perRecord(); }

    Visibility run(BatchRun& run) override {
        if (!run.isActive(node_->slide())) return Visibility::kNow;
        Batch<T> batch(*node_, run);
        if constexpr (std::invocable<F&, Batch<T>&, BatchTime>)
            std::invoke(function_, batch, batch.time());
        else std::invoke(function_, batch);
        return Visibility::kNow;
    }

private:
    std::string description_;
    std::shared_ptr<StreamNode<T>> node_;
    F function_;
};

}  // namespace tidemill::core
