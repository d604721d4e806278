// mapValues: another value for every pair; keys stay where they are.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/stream_node.h"

namespace tidemill::core {

template <class K, class V, class U, class F>
class MapValuesNode final : public NarrowNode<std::pair<K, V>, std::pair<K, U>> {
public:
    using In = std::pair<K, V>;
    using Out = std::pair<K, U>;

    MapValuesNode(std::shared_ptr<StreamNode<In>> parent, F function)
        : NarrowNode<In, Out>("mapValues", std::move(parent)), function_(std::move(function)) {}

    Keyed keyed() const override { return this->parent().keyed(); }

private:
    class MapValuesSink final : public Sink<In> {
    public:
        MapValuesSink(const F& function, Downstream<Out> below)
            : function_(function), below_(std::move(below)) {}
        void take(std::span<In> chunk) override {
            out_.clear();
            for (auto& [key, value] : chunk)
                out_.emplace_back(std::move(key), std::invoke(function_, std::move(value)));
            below_->take(out_);
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override { return below_->wanted(); }

    private:
        F function_;
        Downstream<Out> below_;
        std::vector<Out> out_;
    };

    std::unique_ptr<Sink<In>> makeSink(TaskContext&, Downstream<Out> below) override {
        return std::make_unique<MapValuesSink>(function_, std::move(below));
    }

    F function_;
};

}  // namespace tidemill::core
