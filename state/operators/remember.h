// remember: the elements of the last batches, for functions that look at them from outside.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/logging.h"
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
    // `step`: how far batches of the stream lie apart. At most about `bytesMax` are held: the
    // oldest batches are dropped for new ones.
    RememberNode(std::shared_ptr<core::StreamNode<T>> parent, Duration length, Duration step,
                 std::size_t bytesMax)
        : Node("remember"),
          parent_(std::move(parent)),
          length_(length),
          step_(step),
          bytesMax_(bytesMax) {
        addParent(*parent_);
        parent_->addConsumer(*this);
        require();
    }

    std::unique_ptr<core::Sink<T>> open(core::TaskContext& task) override {
        return collected_.open(task);
    }

    void runStage(core::BatchRun& run) override {
        if (!run.isActive(parent_->slide())) return;
        Held held;
        held.batch.time = run.record().time;
        for (const auto& part : collected_.take())
            for (const auto& element : part) {
                held.batch.elements.push_back(toOwned(element));
                held.bytes += sizeof(Owned<T>) + state::heldBytes(held.batch.elements.back());
            }
        std::lock_guard lock(mutex_);
        zeroTime_ = run.record().zeroTime;
        bytes_ += held.bytes;
        batches_.push_back(std::move(held));
        while (batches_.front().batch.time <= run.record().time - length_) drop();
        if (droppedTo_ && *droppedTo_ <= run.record().time - length_) droppedTo_.reset();
        if (bytes_ <= bytesMax_) return;
        if (!std::exchange(warned_, true))
            core::logWarning(
                "the batches of a stream that is remembered for " +
                std::to_string(length_.count()) + " ms take more than " +
                std::to_string(bytesMax_) +
                " bytes: the oldest are dropped from now on, and slice() refuses to give them; "
                "remember a shorter time, or raise StreamingOptions::maxRememberedBytes");
        while (bytes_ > bytesMax_) {
            droppedTo_ = batches_.front().batch.time;
            drop();
        }
    }

    void endBatch() override { collected_.clear(); }

    // The batches from `from` to `to`, both inclusive and rounded down to times of batches: of
    // those that are held, or else of the grid. Throws std::out_of_range when one of them was
    // dropped for want of room.
    std::vector<RememberedBatch<T>> slice(BatchTime from, BatchTime to) const {
        std::lock_guard lock(mutex_);
        auto first = from;
        if (const auto since = from - zeroTime_; since > Duration(0)) first -= since % step_;
        for (const auto& held : batches_)
            if (held.batch.time <= from) first = std::max(first, held.batch.time);
        from = first;
        if (droppedTo_ && from <= *droppedTo_ && to >= from)
            throw std::out_of_range(
                "slice: the batches up to " + std::to_string(toMillis(*droppedTo_)) +
                " ms were dropped, because with them more than " + std::to_string(bytesMax_) +
                " bytes of the stream would be remembered; ask for later ones, remember a shorter "
                "time, or raise StreamingOptions::maxRememberedBytes");
        std::vector<RememberedBatch<T>> found;
        for (const auto& held : batches_)
            if (held.batch.time >= from && held.batch.time <= to) found.push_back(held.batch);
        return found;
    }

private:
    struct Held {
        RememberedBatch<T> batch;
        std::size_t bytes = 0;
    };

    void drop() {
        bytes_ -= batches_.front().bytes;
        batches_.pop_front();
    }

    std::shared_ptr<core::StreamNode<T>> parent_;
    const Duration length_;
    const Duration step_;
    const std::size_t bytesMax_;
    core::Collected<T> collected_;
    mutable std::mutex mutex_;
    std::deque<Held> batches_;
    std::size_t bytes_ = 0;
    // The last that was dropped for want of room, as long as it would be remembered.
    std::optional<BatchTime> droppedTo_;
    bool warned_ = false;
    BatchTime zeroTime_{};
};

}  // namespace tidemill::state
