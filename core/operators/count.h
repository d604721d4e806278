// count: the number of elements, one per batch; 0 for an empty one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/stream_node.h"

namespace tidemill::core {

template <class T>
class CountNode final : public RootNode<std::int64_t>, public Consumer<T> {
public:
    explicit CountNode(std::shared_ptr<StreamNode<T>> parent)
        : RootNode("count"), parent_(std::move(parent)) {
        addParent(*parent_);
        parent_->addConsumer(*this);
    }

    Duration slide() const override { return parent_->slide(); }

    bool perRecord() const override { return false; }
    bool holdsElements() const override { return false; }

    std::unique_ptr<Sink<T>> open(TaskContext&) override {
        return required() ? std::make_unique<CountSink>(count_) : nullptr;
    }

    void beginBatch(BatchRun&) override { count_ = 0; }
    std::uint32_t partitions(BatchRun&) override { return 1; }
    void scan(TaskContext&, BatchRun&, Sink<std::int64_t>& sink) override {
        std::int64_t count = count_;
        sink.take(std::span(&count, 1));
    }

private:
    class CountSink final : public Sink<T> {
    public:
        explicit CountSink(std::atomic<std::int64_t>& into) : into_(into) {}
        void take(std::span<T> chunk) override { seen_ += static_cast<std::int64_t>(chunk.size()); }
        void finish() override { into_ += seen_; }
        bool flush() override { return true; }

    private:
        std::atomic<std::int64_t>& into_;
        std::int64_t seen_ = 0;
    };

    std::shared_ptr<StreamNode<T>> parent_;
    std::atomic<std::int64_t> count_ = 0;
};

}  // namespace tidemill::core
