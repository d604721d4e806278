// DStream<T>: a stream of T, cut into batches. A handle: copies name the same stream.
#pragma once

#include <concepts>
#include <cstddef>
#include <iostream>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/emit.h"
#include "core/operators/filter.h"
#include "core/operators/flat_map.h"
#include "core/operators/for_each_batch.h"
#include "core/operators/map.h"
#include "core/operators/print.h"
#include "core/operators/reduce_by_key.h"
#include "core/operators/save_as_text_files.h"
#include "state/operators/running_totals.h"
#include "state/operators/update_state_by_key.h"
#include "tidemill/job.h"

namespace tidemill {

template <class T>
class DStream;
template <class K, class V>
class StateStream;

namespace detail {

template <class T>
inline constexpr bool isPair = false;
template <class K, class V>
inline constexpr bool isPair<std::pair<K, V>> = true;

// The element type of the stream that flatMap(f) makes: what f's range holds; for f(x, emit) the
// declared Element, or the input's type.
template <class In, class F>
struct FlatMapElement;

template <class In, class F>
    requires requires { typename F::Element; }
struct FlatMapElement<In, F> {
    using type = typename F::Element;
};

template <class In, class F>
    requires(!requires { typename F::Element; } && std::invocable<F&, In>)
struct FlatMapElement<In, F> {
    using type = std::ranges::range_value_t<std::invoke_result_t<F&, In>>;
};

template <class In, class F>
    requires(!requires { typename F::Element; } && !std::invocable<F&, In>)
struct FlatMapElement<In, F> {
    using type = In;
};

// Values of an updateStateByKey function's optional result.
template <class F, class V, class S>
concept UpdateFunction =
    std::invocable<F&, std::span<const V>, std::optional<S>> &&
    std::convertible_to<std::invoke_result_t<F&, std::span<const V>, std::optional<S>>,
                        std::optional<S>>;

}  // namespace detail

// Which keys updateStateByKey visits in a batch.
enum class Visit {
    kEveryKey,     // every key that has state or new values: Spark's meaning
    kTouchedKeys,  // keys with new values only; the others cost nothing
};

// Functions given to a stream must be deterministic: after a crash, the batches since the last
// checkpoint run again and must come to the same results. Thread safety: for the thread that
// builds the job.
template <class T>
class DStream {
public:
    using Element = T;

    DStream(std::shared_ptr<Job> job, std::shared_ptr<core::StreamNode<T>> node)
        : job_(std::move(job)), node_(std::move(node)) {}

    // f(x) -> y.
    template <class F>
        requires std::invocable<F&, T>
    auto map(F f) const {
        using Out = std::decay_t<std::invoke_result_t<F&, T>>;
        return add(std::make_shared<core::MapNode<T, Out, F>>(node_, std::move(f)), "map");
    }

    // Elements for which f(x) is true.
    template <std::predicate<const T&> F>
    DStream<T> filter(F f) const {
        return add(std::make_shared<core::FilterNode<T, F>>(node_, std::move(f)), "filter");
    }

    // f(x, emit), which calls emit(y) for each result and allocates nothing, or f(x) that returns a
    // range (convenient; costs that range's allocation per element). For f(x, emit) the result's
    // type is T; name another one as in flatMap<Out>(f).
    template <class F>
    auto flatMap(F f) const {
        return flatMap<typename detail::FlatMapElement<T, F>::type>(std::move(f));
    }
    template <class Out, class F>
        requires(std::invocable<F&, T, Emit<Out>&> || std::invocable<F&, T>)
    DStream<Out> flatMap(F f) const {
        return add(std::make_shared<core::FlatMapNode<T, Out, F>>(node_, std::move(f)), "flatMap");
    }

    // (value, how often it occurs), per batch.
    auto countByValue() const {
        return map([](T element) { return std::pair<T, std::int64_t>(std::move(element), 1); })
            .reduceByKey(std::plus<>());
    }

    // The first `num` elements of each batch on standard output, in Spark's format.
    void print(std::size_t num = 10) const { print(num, std::cout); }
    void print(std::size_t num, std::ostream& out) const {
        addOutput("print", [num, &out](Batch<T>& batch) { core::printBatch(out, batch, num); });
    }

    // Calls f(batch) or f(batch, time) once per batch. After a crash the last recorded batch may
    // come once more, under the same id.
    template <class F>
        requires(std::invocable<F&, Batch<T>&> || std::invocable<F&, Batch<T>&, BatchTime>)
    void forEachBatch(F f) const {
        addOutput("forEachBatch", std::move(f));
    }

    // Each batch as a directory PREFIX-TIMEMS[.SUFFIX] of text files; see docs/outputs.md.
    void saveAsTextFiles(std::string prefix, std::string suffix = "") const {
        requireNotStarted(*job_, "saveAsTextFiles");
        job_->graph.addOutput(std::make_unique<core::SaveAsTextFiles<T>>(
            node_, core::posixFileSystem(), std::move(prefix), std::move(suffix),
            [](std::string& out, const T& element) {
                core::appendElement(out, element);
                out += '\n';
            }));
    }

    // For pairs: all values of a key in the batch reduced to one by the associative function f.
    template <class F>
    auto reduceByKey(F f) const
        requires detail::isPair<T>
    {
        return add(core::makeReduceByKey(node_, std::move(f)), "reduceByKey");
    }

    // For pairs: running totals of the values of each key, kept under `name` in the data directory.
    // The stream holds the keys touched in a batch with their new totals; .all() every key.
    auto runningTotals(std::string name) const
        requires detail::isPair<T>
    {
        return runningTotalsOf<typename T::first_type, typename T::second_type>(std::move(name));
    }

    // For pairs: f(new values, optional state) -> optional state; an empty result removes the key.
    // The stream holds the keys visited, with their states.
    template <class S, class F>
    auto updateStateByKey(std::string name, F f, Visit visit = Visit::kEveryKey) const
        requires detail::isPair<T>
    {
        return updateState<S, typename T::first_type, typename T::second_type>(
            std::move(name), std::move(f), visit);
    }

    const std::shared_ptr<core::StreamNode<T>>& node() const { return node_; }
    const std::shared_ptr<Job>& job() const { return job_; }

private:
    template <class N>
    auto add(std::shared_ptr<N> node, const char* operation) const {
        requireNotStarted(*job_, operation);
        job_->graph.add(node);
        return DStream<typename N::Element>(job_, std::move(node));
    }

    template <class F>
    void addOutput(const char* description, F f) const {
        requireNotStarted(*job_, description);
        job_->graph.addOutput(
            std::make_unique<core::ForEachBatch<T, F>>(description, node_, std::move(f)));
    }

    template <class K, class V>
    StateStream<K, V> runningTotalsOf(std::string name) const;
    template <class S, class K, class V, class F>
    StateStream<K, S> updateState(std::string name, F f, Visit visit) const;

    std::shared_ptr<Job> job_;
    std::shared_ptr<core::StreamNode<T>> node_;
};

}  // namespace tidemill
