// filter: the elements for which a predicate holds.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/stream_node.h"

namespace tidemill::core {

template <class T, class F>
class FilterNode final : public NarrowNode<T, T> {
public:
    FilterNode(std::shared_ptr<StreamNode<T>> parent, F predicate)
        : NarrowNode<T, T>("filter", std::move(parent)), predicate_(std::move(predicate)) {
        this->setUserFunction(identityOf(predicate_));
    }

    Keyed keyed() const override { return this->parent().keyed(); }
    bool holdsElements() const override { return false; }

private:
    class FilterSink final : public Sink<T> {
    public:
        FilterSink(const F& predicate, RecordGuard guard, Downstream<T> below)
            : predicate_(predicate), guard_(guard), below_(std::move(below)) {}
        void take(std::span<T> chunk) override {
            std::size_t kept = 0;
            guard_.forEach(
                chunk,
                [&](T& element) {
                    if (!std::invoke(predicate_, std::as_const(element))) return;
                    if (&chunk[kept] != &element) chunk[kept] = std::move(element);
                    ++kept;
                },
                [] {}, [] {});
            if (kept != 0) below_->take(chunk.first(kept));
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override {
            return below_->wanted() == 0 ? 0 : static_cast<std::size_t>(-1);
        }
        bool flush() override {
            return below_->flush() && !(kMayHoldViews<T> && kMayRemember<F, const T&>);
        }

    private:
        F predicate_;
        RecordGuard guard_;
        Downstream<T> below_;
    };

    std::unique_ptr<Sink<T>> makeSink(TaskContext& task, Downstream<T> below) override {
        return std::make_unique<FilterSink>(predicate_, this->guard(task), std::move(below));
    }

    F predicate_;
};

}  // namespace tidemill::core
