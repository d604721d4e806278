// The nodes of a stream graph. A DStream is a handle on a StreamNode<T>.
//
// A batch runs in stages. A stage begins at a root (a source, a shuffle's result, a view of state)
// and pushes its partitions through the fused narrow operators behind it into every shuffle or
// state operator they lead to. Output operations come last and scan what they need, backwards:
// an output that prints ten elements wants eleven, one to know whether there are more, and an
// operator that can tell makes no more (Sink::wanted): a map can, a flatMap or a filter cannot.
//
// Who calls whom in a batch:
//
//   the scheduler          Graph::runBatch, going through the nodes in the order of Graph::add:
//   1 beginBatch           of every node
//   2 runStage             of every node; narrow operators and outputs have none
//       a root             for each partition, on some worker: openConsumers -> open() of the
//                          operators behind it, a chain of sinks of its own; then scan() into
//                          that chain, and finish() of its sinks
//       a shuffle's sink   counts into a table of its task; finish() hands that to the shuffle
//       the shuffle        is a root of its own: its scan() gives one key range, which is merged
//                          from those tables by the first who asks for it
//   3 the outputs          scan() what they read, again or for the first time
//   4 endBatch             of every node
//
// Elements move in two ways, and an operator's sinks serve both:
//
//                           in a stage (push)               in an output's scan (pull)
//   begins at               a root, for all behind it       the node that the output reads
//   the last sink is        a shuffle's or a state's        the output's own, borrowed
//   sinks are made by       open(), from the root on        scan(), from the output backwards
//   finish() is called by   the root, once a partition      nobody but the output: see
//                                                           NarrowNode::scan
//   TaskContext::scanNumber 0                               BatchRun::newScan(), from 1
//   TaskContext::ordinal    grows from task to task         0
//   TaskContext::way        on which way the sink that      on which way the parent that is
//                           is opened was reached           scanned is reached
//
// Ways, for s.map(f).unionWith(s.map(g)).groupByKey(): one task of s opens two sinks of the
// shuffle, one behind f on way 0 and one behind g on way 1. What these collect is put into the
// order (way, ordinal), so that all of f comes before all of g, as in a scan of the union.
//
// A stream's elements have one order: that of a scan of its partitions one after another. What an
// operator collects from its sinks it puts into that order too (TaskContext::order).
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "core/batch_run.h"
#include "core/check.h"
#include "core/chunk.h"
#include "core/key_group.h"
#include "core/progress_marker.h"

namespace tidemill::core {

// Key groups are cut into this many ranges; a shuffle has one owner for each while a batch runs.
// More than cores, so that workers share them evenly; fixed, so that no result depends on cores.
inline constexpr std::uint32_t kKeyRanges = 16;
inline std::uint32_t keyRangeOf(std::uint8_t group) { return group * kKeyRanges / kKeyGroups; }

// Which function an operator calls.
struct FunctionIdentity {
    // The same in every run of a program: the type, and what the function has captured unless that
    // may be an address.
    std::string type;
    std::string object;  // the same for equal functions of one process
};

// True when no eight bytes, or what is left at the end, may be an address: small numbers.
bool holdsNoAddress(std::string_view object);

// What is made of several functions says which in a member identity().
template <class F>
FunctionIdentity identityOf(const F& function) {
    FunctionIdentity identity{typeid(F).name(), {}};
    if constexpr (requires {
                      { function.identity() } -> std::same_as<FunctionIdentity>;
                  })
        return function.identity();
    else if constexpr (std::is_empty_v<F>) return identity;
    else if constexpr (std::has_unique_object_representations_v<F>)
        identity.object.assign(reinterpret_cast<const char*>(&function), sizeof function);
    else  // one cannot look into it: it is no other than itself
        return {identity.type, std::to_string(reinterpret_cast<std::uintptr_t>(&function))};
    if (holdsNoAddress(identity.object)) identity.type += identity.object;
    return identity;
}
template <class... F>
requires(sizeof...(F) > 1) FunctionIdentity identityOf(const F&... functions) {
    FunctionIdentity all;
    const auto add = [&](const FunctionIdentity& one) {
        all.type += one.type + ";";
        all.object += std::to_string(one.object.size()) + ":" + one.object;
    };
    (add(identityOf(functions)), ...);
    return all;
}

// What is known about where a stream's pairs lie.
enum class Keyed {
    kNo,
    kRanged,        // partition r holds keys of range r only
    kRangedUnique,  // and every key at most once
};

// Thread safety: built by one thread before the job starts; immutable then, except for what a
// batch leaves in it between beginBatch and endBatch.
class Node {
public:
    explicit Node(std::string kind) : kind_(std::move(kind)) {}
    virtual ~Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    // The operator's name in plans and messages: "map", "reduceByKey".
    const std::string& kind() const { return kind_; }
    // What the program calls it in messages; its kind, unless the program has given it a name.
    const std::string& label() const { return label_.empty() ? kind_ : label_; }
    void setLabel(std::string label) { label_ = std::move(label); }
    const std::vector<Node*>& parents() const { return parents_; }

    // Of a stream that shows a state: the node whose elements the state is made of; else null.
    const Node* origin() const { return origin_; }
    void setOrigin(const Node& origin) { origin_ = &origin; }
    // All that the operator does beside its kind, where the front end can say it (a job file).
    const std::string& detail() const { return detail_; }
    void setDetail(std::string detail) { detail_ = std::move(detail); }
    // The user's function, as far as functions can be told apart.
    const FunctionIdentity& userFunction() const { return userFunction_; }
    void setUserFunction(FunctionIdentity identity) { userFunction_ = std::move(identity); }
    // Its place in the order in which the job's nodes were made.
    std::uint32_t number() const { return number_; }
    void setNumber(std::uint32_t number) { number_ = number; }

    // How often the stream has a batch: at times that lie a multiple of this behind the data
    // directory's zero time. Zero: in every batch.
    virtual Duration slide() const { return Duration(0); }
    // Of a stream made of two that have the same slide, zero and the batch interval counting as
    // one: batches off the grid, which only a stream of zero has, are not left out.
    static Duration slideOf(const Node& a, const Node& b) { return std::min(a.slide(), b.slide()); }

    // An output operation, or state that others can read, hangs on this: all that leads here runs.
    void require() {
        if (std::exchange(required_, true)) return;
        for (Node* parent : parents_) parent->require();
    }
    bool required() const { return required_; }

    // Whether there is about an element for each record of the batch, and not one for each key.
    virtual bool perRecord() const {
        return parents_.empty() || std::any_of(parents_.begin(), parents_.end(),
                                               [](const Node* node) { return node->perRecord(); });
    }
    // Whether memory is held for all elements of the streams it reads while a batch runs. A batch
    // of a job that does so for a stream with an element for each record is no larger than fits
    // into memory.
    virtual bool holdsElements() const { return true; }
    // Memory it has for the batch that runs, if it does not hold all elements.
    virtual std::size_t heldBytes() const { return 0; }

    // True when throwsWithin() answers: the stream is made of one source of text, element by
    // element.
    virtual bool probes() const { return false; }
    // Makes the stream's elements of the first records of a partition once more, to no effect, and
    // says whether a function throws. Also after endBatch.
    virtual bool throwsWithin(BatchRun&, std::uint32_t partition, RecordProbe&) {
        (void)partition;
        return false;
    }

    // Called in this order for every batch by the scheduler's thread; see the head of this file.
    virtual void beginBatch(BatchRun&) {}
    virtual void runStage(BatchRun&) {}
    virtual void endBatch() {}

protected:
    void addParent(Node& parent) { parents_.push_back(&parent); }

private:
    std::string kind_;
    std::string label_;
    std::string detail_;
    FunctionIdentity userFunction_;
    const Node* origin_ = nullptr;
    std::vector<Node*> parents_;
    std::uint32_t number_ = 0;
    bool required_ = false;
};

// An operator as the stream before it sees it.
template <class T>
class Consumer {
public:
    virtual ~Consumer() = default;
    // The sink for one task, or null when nothing behind it needs this stream.
    virtual std::unique_ptr<Sink<T>> open(TaskContext& task) = 0;
};

template <class T>
class StreamNode : public Node {
public:
    using Element = T;
    using Node::Node;

    // Throws std::logic_error for a second one of elements that cannot be copied.
    void addConsumer(Consumer<T>& consumer) {
        if (!std::is_copy_constructible_v<T> && !consumers_.empty())
            throw std::logic_error("two operators read the stream that " + kind() +
                                   " gives, whose elements cannot be copied: let one of them read "
                                   "what the other gives, or make elements that can be copied");
        consumers_.push_back(&consumer);
    }

    virtual Keyed keyed() const { return Keyed::kNo; }

    virtual std::uint32_t partitions(BatchRun& run) = 0;

    // How many ways lead here from roots: each union adds those of its second stream to those of
    // its first, in this order. A way comes from one root, but one root may be on several: the
    // tasks of s in s.map(f).unionWith(s.map(g)) reach the union twice.
    virtual std::uint64_t ways() const { return 1; }

    // Pushes the elements of one partition into `sink`, as long as it wants more. Does not finish
    // the sink. Several tasks may call it at the same time, also for the same partition. Always the
    // same elements in the same order within a batch.
    virtual void scan(TaskContext& task, BatchRun& run, Sink<T>& sink) = 0;

    bool throwsWithin(BatchRun& run, std::uint32_t partition, RecordProbe& probe) override {
        class Nothing final : public Sink<T> {
        public:
            void take(std::span<T>) override {}
            void finish() override {}
            bool flush() override { return true; }
        } nothing;
        Arena arena;
        FailedRecords stopping;
        TaskContext task{arena, 0, partition, &stopping};
        task.probe = &probe;
        return !catchingAll([&] { scan(task, run, nothing); });
    }

    // The fused sinks of everything that hangs on this stream; null when nothing does.
    std::unique_ptr<Sink<T>> openConsumers(TaskContext& task) {
        std::vector<std::unique_ptr<Sink<T>>> open;
        for (Consumer<T>* consumer : consumers_)
            if (auto sink = consumer->open(task)) open.push_back(std::move(sink));
        if (open.empty()) return nullptr;
        if (open.size() == 1) return std::move(open.front());
        if constexpr (std::is_copy_constructible_v<T>) {
            return std::make_unique<FanOut<T>>(std::move(open));
        } else {
            TM_CHECK(false, "addConsumer takes one consumer of elements that cannot be copied");
        }
    }

private:
    std::vector<Consumer<T>*> consumers_;
};

// A stream that a stage begins at.
template <class T>
class RootNode : public StreamNode<T> {
public:
    using StreamNode<T>::StreamNode;

    void runStage(BatchRun& run) override {
        if (!this->required() || !run.isActive(this->slide())) return;
        const std::uint32_t count = this->partitions(run);
        const std::uint64_t firstOrdinal = run.takeOrdinals(count);
        orThrow(run.workers().run(count, [&](std::size_t partition) {
            TaskContext task{run.newArena(), firstOrdinal + partition,
                             static_cast<std::uint32_t>(partition), run.failedRecords()};
            task.marker = run.marker();
            auto sink = this->openConsumers(task);
            if (!sink) return;
            this->scan(task, run, *sink);
            if (task.marker != nullptr) task.marker->noRecord();
            sink->finish();
        }));
    }
};

// Whether a function may remember what it was called with. Each task has a copy of its own.
template <class F, class... Args>
inline constexpr bool kMayRemember = std::is_class_v<F> && !std::invocable<const F&, Args...>;

// The next sink of a chain: owned, or borrowed for the length of a scan.
template <class T>
class Downstream {
public:
    explicit Downstream(std::unique_ptr<Sink<T>> owned)
        : owned_(std::move(owned)), sink_(owned_.get()) {}
    explicit Downstream(Sink<T>& borrowed) : sink_(&borrowed) {}
    Sink<T>* operator->() const { return sink_; }
    Sink<T>& operator*() const { return *sink_; }

private:
    std::unique_ptr<Sink<T>> owned_;
    Sink<T>* sink_;
};

// An operator that works element by element on the partition it is given: map, filter, flatMap.
// A subclass says how elements pass, in makeSink; everything else is here.
template <class In, class Out>
class NarrowNode : public StreamNode<Out>, public Consumer<In> {
public:
    NarrowNode(std::string kind, std::shared_ptr<StreamNode<In>> parent)
        : StreamNode<Out>(std::move(kind)), parent_(std::move(parent)) {
        this->addParent(*parent_);
        parent_->addConsumer(*this);
    }

    std::unique_ptr<Sink<In>> open(TaskContext& task) final {
        auto below = this->openConsumers(task);
        if (!below) return nullptr;
        return makeSink(task, Downstream<Out>(std::move(below)));
    }

    Duration slide() const override { return parent_->slide(); }

    std::uint64_t ways() const override { return parent_->ways(); }

    bool probes() const override { return parent_->probes(); }

    std::uint32_t partitions(BatchRun& run) override { return parent_->partitions(run); }

    void scan(TaskContext& task, BatchRun& run, Sink<Out>& sink) override {
        // finish() of this sink must not finish the one that is only borrowed.
        class Unfinished final : public Sink<Out> {
        public:
            explicit Unfinished(Sink<Out>& below) : below_(below) {}
            void take(std::span<Out> chunk) override { below_.take(chunk); }
            void finish() override {}
            std::size_t wanted() const override { return below_.wanted(); }
            bool flush() override { return below_.flush(); }

        private:
            Sink<Out>& below_;
        } unfinished(sink);
        auto above = makeSink(task, Downstream<Out>(unfinished));
        parent_->scan(task, run, *above);
        above->finish();
    }

protected:
    virtual std::unique_ptr<Sink<In>> makeSink(TaskContext& task, Downstream<Out> below) = 0;
    StreamNode<In>& parent() const { return *parent_; }
    // For a sink whose loop calls a user's function.
    RecordGuard guard(const TaskContext& task) const {
        return {task.failed,
                {this->number(), task.scanNumber, task.way, task.partition},
                this->label()};
    }

private:
    std::shared_ptr<StreamNode<In>> parent_;
};

}  // namespace tidemill::core
