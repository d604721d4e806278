// unionWith: the elements of two streams of one slide.
#pragma once

#include <memory>
#include <utility>

#include "core/stream_node.h"

namespace tidemill::core {

template <class T>
class UnionNode final : public StreamNode<T> {
public:
    UnionNode(std::shared_ptr<StreamNode<T>> first, std::shared_ptr<StreamNode<T>> second)
        : StreamNode<T>("union"),
          first_(std::move(first)),
          second_(std::move(second)),
          fromFirst_(*this, 0),
          fromSecond_(*this, first_->ways()) {
        this->addParent(*first_);
        this->addParent(*second_);
        first_->addConsumer(fromFirst_);
        second_->addConsumer(fromSecond_);
    }

    Duration slide() const override { return Node::slideOf(*first_, *second_); }

    bool holdsElements() const override { return false; }

    std::uint64_t ways() const override { return first_->ways() + second_->ways(); }

    std::uint32_t partitions(BatchRun& run) override {
        return first_->partitions(run) + second_->partitions(run);
    }

    void scan(TaskContext& task, BatchRun& run, Sink<T>& sink) override {
        const std::uint32_t inFirst = first_->partitions(run);
        TaskContext inner = task;
        if (task.partition < inFirst) return first_->scan(inner, run, sink);
        inner.partition -= inFirst;
        inner.way += first_->ways();
        second_->scan(inner, run, sink);
    }

private:
    class Passage final : public Consumer<T> {
    public:
        Passage(UnionNode& node, std::uint64_t waysBefore) : node_(node), waysBefore_(waysBefore) {}
        std::unique_ptr<Sink<T>> open(TaskContext& task) override {
            task.way += waysBefore_;
            auto sink = node_.openConsumers(task);
            task.way -= waysBefore_;
            return sink;
        }

    private:
        UnionNode& node_;
        const std::uint64_t waysBefore_;
    };

    std::shared_ptr<StreamNode<T>> first_;
    std::shared_ptr<StreamNode<T>> second_;
    Passage fromFirst_;
    Passage fromSecond_;
};

}  // namespace tidemill::core
