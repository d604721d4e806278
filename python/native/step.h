// The narrow operators of Python's streams: a step makes elements of one element, with Python's
// lock held for a chunk of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/stream_node.h"
#include "python/native/accumulators.h"
#include "python/native/entry.h"
#include "python/native/function.h"
#include "python/native/worker_calls.h"

namespace tidemill::python {

// Thread safety: apply() is called by several threads, each with Python's lock.
template <class In, class Out>
class Step {
public:
    virtual ~Step() = default;
    // Appends what becomes of `element`, which it may move from. `arena`: for bytes that live as
    // long as the batch. Throws PythonError.
    virtual void apply(In& element, std::vector<Out>& out, core::Arena& arena) const = 0;
    // Whether it makes exactly one element of each.
    virtual bool isOneToOne() const { return true; }
    virtual core::FunctionIdentity identity() const { return {}; }
    // See CallsFunction.
    virtual void callIn(const std::shared_ptr<WorkerPool>&) {}
    // Before apply() is called for each of `chunk`: calls its function for all, if worker processes
    // call it; while `calls` has a value its calls are answered.
    virtual void callForAll(std::span<In>, std::optional<WorkerCalls>&) const {}
};

// A node that calls a function of the program for elements.
class CallsFunction {
public:
    virtual ~CallsFunction() = default;
    // Leaves that to the pool's processes, if they can do it. Before the job starts.
    virtual void callIn(const std::shared_ptr<WorkerPool>& pool) = 0;
};

template <class In, class Out>
class StepNode final : public core::NarrowNode<In, Out>, public CallsFunction {
public:
    // `keyed`: what is known of the elements made.
    StepNode(std::string kind, std::shared_ptr<core::StreamNode<In>> parent,
             std::shared_ptr<Step<In, Out>> step, core::Keyed keyed = core::Keyed::kNo)
        : core::NarrowNode<In, Out>(std::move(kind), std::move(parent)),
          step_(std::move(step)),
          keyed_(keyed) {
        this->setUserFunction(step_->identity());
    }

    core::Keyed keyed() const override { return keyed_; }
    void callIn(const std::shared_ptr<WorkerPool>& pool) override { step_->callIn(pool); }
    bool holdsElements() const override { return false; }

private:
    class StepSink final : public core::Sink<In> {
    public:
        StepSink(const Step<In, Out>& step, core::RecordGuard guard, std::uint32_t node,
                 const core::TaskContext& task, core::Downstream<Out> below)
            : step_(step),
              guard_(guard),
              node_(node),
              ordinal_(task.ordinal),
              addsOf_(addsOf(task)),
              arena_(task.arena),
              below_(std::move(below)) {}
        void take(std::span<In> chunk) override {
            const GilScope gil;
            AddScope adds(addsOf_, node_, ordinal_);
            std::optional<WorkerCalls> calls;
            step_.callForAll(chunk, calls);
            std::size_t before = 0;
            guard_.forEach(
                chunk, [&](In& element) { step_.apply(element, out_, arena_); },
                [&] {
                    out_.erase(out_.begin() + static_cast<std::ptrdiff_t>(before), out_.end());
                    adds.undo();
                },
                [&] {
                    adds.keep();
                    if (out_.size() >= core::kChunkElements || guard_.oneAtATime()) handOn();
                    before = out_.size();
                });
            handOn();
        }
        void finish() override { below_->finish(); }
        std::size_t wanted() const override {
            const std::size_t wanted = below_->wanted();
            return step_.isOneToOne() || wanted == 0 ? wanted : static_cast<std::size_t>(-1);
        }
        bool flush() override { return below_->flush(); }

    private:
        void handOn() {
            const AddScope others(AddScope::Of::kElsewhere);
            for (std::size_t begin = 0; begin < out_.size(); begin += core::kChunkElements)
                below_->take(std::span(out_).subspan(
                    begin, std::min(core::kChunkElements, out_.size() - begin)));
            out_.clear();
        }

        const Step<In, Out>& step_;
        core::RecordGuard guard_;
        const std::uint32_t node_;
        const std::uint64_t ordinal_;
        const AddScope::Of addsOf_;
        core::Arena& arena_;
        core::Downstream<Out> below_;
        std::vector<Out> out_;
    };

    std::unique_ptr<core::Sink<In>> makeSink(core::TaskContext& task,
                                             core::Downstream<Out> below) override {
        return std::make_unique<StepSink>(*step_, this->guard(task), this->number(), task,
                                          std::move(below));
    }

    std::shared_ptr<Step<In, Out>> step_;
    core::Keyed keyed_;
};

// What keyed operators make of their keys: the values of one or two streams.
using Grouped = std::pair<std::string_view, std::vector<Entry>>;
using Cogrouped = std::pair<std::string_view, std::pair<std::vector<Entry>, std::vector<Entry>>>;

extern template class StepNode<std::string_view, Object>;
extern template class StepNode<std::int64_t, Object>;
extern template class StepNode<Object, Object>;
extern template class StepNode<Object, Pair>;
extern template class StepNode<Object, std::string>;
extern template class StepNode<Object, std::string_view>;
extern template class StepNode<Pair, Object>;
extern template class StepNode<Pair, Pair>;
extern template class StepNode<Pair, Grouped>;
extern template class StepNode<Cogrouped, Object>;

}  // namespace tidemill::python
