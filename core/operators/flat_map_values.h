// flatMapValues: any number of values for every pair, all under its key.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/stream_node.h"

namespace tidemill::core {

// f(value) returns a range.
template <class K, class V, class U, class F>
class FlatMapValuesNode final : public NarrowNode<std::pair<K, V>, std::pair<K, U>> {
public:
    using In = std::pair<K, V>;
    using Out = std::pair<K, U>;

    FlatMapValuesNode(std::string kind, std::shared_ptr<StreamNode<In>> parent, F function)
        : NarrowNode<In, Out>(std::move(kind), std::move(parent)), function_(std::move(function)) {}

    Keyed keyed() const override {
        return this->parent().keyed() == Keyed::kNo ? Keyed::kNo : Keyed::kRanged;
    }

private:
    class FlatMapValuesSink final : public Sink<In> {
    public:
        FlatMapValuesSink(const F& function, Downstream<Out> below)
            : function_(function), below_(std::move(below)) {}
        void take(std::span<In> chunk) override {
            for (auto& [key, value] : chunk) {
                for (auto&& made : std::invoke(function_, std::move(value)))
                    out_.push(Out(key, std::forward<decltype(made)>(made)));
                if (out_.full()) out_.flushInto(*below_);
            }
        }
        void finish() override {
            if (!out_.empty()) out_.flushInto(*below_);
            below_->finish();
        }
        std::size_t wanted() const override {
            return below_->wanted() <= out_.size() ? 0 : static_cast<std::size_t>(-1);
        }

    private:
        F function_;
        Downstream<Out> below_;
        ChunkBuffer<Out> out_;
    };

    std::unique_ptr<Sink<In>> makeSink(TaskContext&, Downstream<Out> below) override {
        return std::make_unique<FlatMapValuesSink>(function_, std::move(below));
    }

    F function_;
};

}  // namespace tidemill::core
