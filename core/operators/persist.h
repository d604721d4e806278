// persist and repartition: a stream's elements of a batch, held in memory while the batch runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/operators/collected.h"
#include "core/stream_node.h"

namespace tidemill::core {

// Computed once per batch, however many read it. With `cutInto` the elements, in their order, are
// cut into that many partitions of equal size; else partitions stay as they were.
template <class T>
class PersistNode final : public RootNode<T>, public Consumer<T> {
public:
    PersistNode(std::string kind, std::shared_ptr<StreamNode<T>> parent,
                std::optional<std::uint32_t> cutInto)
        : RootNode<T>(std::move(kind)), parent_(std::move(parent)), cutInto_(cutInto) {
        this->addParent(*parent_);
        parent_->addConsumer(*this);
    }

    Duration slide() const override { return parent_->slide(); }

    std::unique_ptr<Sink<T>> open(TaskContext& task) override {
        return this->required() ? collected_.open(task) : nullptr;
    }

    void runStage(BatchRun& run) override {
        parts_ = collected_.take();
        if (cutInto_) {
            std::vector<T> all;
            for (auto& part : parts_)
                all.insert(all.end(), std::make_move_iterator(part.begin()),
                           std::make_move_iterator(part.end()));
            parts_.assign(1, std::move(all));
        }
        RootNode<T>::runStage(run);
    }

    std::uint32_t partitions(BatchRun&) override {
        if (cutInto_) return *cutInto_;
        return static_cast<std::uint32_t>(parts_.size());
    }

    void scan(TaskContext& task, BatchRun&, Sink<T>& sink) override {
        if (parts_.empty()) return;
        if (!cutInto_) {
            const auto& part = parts_[task.partition];
            return pushCopies(part, 0, part.size(), sink);
        }
        const auto& all = parts_.front();
        pushCopies(all, all.size() * task.partition / *cutInto_,
                   all.size() * (task.partition + 1) / *cutInto_, sink);
    }

    void endBatch() override {
        parts_.clear();
        collected_.clear();
    }

private:
    std::shared_ptr<StreamNode<T>> parent_;
    std::optional<std::uint32_t> cutInto_;
    Collected<T> collected_;
    std::vector<std::vector<T>> parts_;
};

}  // namespace tidemill::core
