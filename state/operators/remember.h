// remember: the elements of the last batches, for functions that look at them from outside.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/operators/collected.h"
#include "core/stream_node.h"
#include "state/owned.h"

namespace tidemill::state {

// What slice() gives of one batch.
template <class T>
struct RememberedBatch {
    BatchTime time{};
    std::vector<Owned<T>> elements;
};

// Thread safety: slice() by any thread; the rest as in Node.
template <class T>
class RememberNode final : public core::Node, public core::Consumer<T> {
public:
    // `step`: how far batches of the stream lie apart.
    RememberNode(std::shared_ptr<core::StreamNode<T>> parent, Duration length, Duration step)
        : Node("remember"), parent_(std::move(parent)), length_(length), step_(step) {
        addParent(*parent_);
        parent_->addConsumer(*this);
        require();
    }

    std::unique_ptr<core::Sink<T>> open(core::TaskContext& task) override {
        return collected_.open(task);
    }

    void runStage(core::BatchRun& run) override {
        if (!run.isActive(parent_->slide())) return;
        RememberedBatch<T> batch;
        batch.time = run.record().time;
        for (const auto& part : collected_.take())
            for (const auto& element : part) batch.elements.push_back(toOwned(element));
        std::lock_guard lock(mutex_);
        zeroTime_ = run.record().zeroTime;
        batches_.push_back(std::move(batch));
        while (batches_.front().time <= run.record().time - length_) batches_.pop_front();
    }

    void endBatch() override { collected_.clear(); }

    // The batches from `from` to `to`, both inclusive and rounded down to times of batches: of those
    // that are held, or else of the grid.
    std::vector<RememberedBatch<T>> slice(BatchTime from, BatchTime to) const {
        std::lock_guard lock(mutex_);
        auto first = from;
        if (const auto since = from - zeroTime_; since > Duration(0)) first -= since % step_;
        for (const auto& batch : batches_)
            if (batch.time <= from) first = std::max(first, batch.time);
        from = first;
        std::vector<RememberedBatch<T>> found;
        for (const auto& batch : batches_)
            if (batch.time >= from && batch.time <= to) found.push_back(batch);
        return found;
    }

private:
    std::shared_ptr<core::StreamNode<T>> parent_;
    const Duration length_;
    const Duration step_;
    core::Collected<T> collected_;
    mutable std::mutex mutex_;
    std::deque<RememberedBatch<T>> batches_;
    BatchTime zeroTime_{};
};

}  // namespace tidemill::state
