// DStream<T>: a stream of T, cut into batches. A handle: copies name the same stream.
#pragma once

#include <concepts>
#include <cstddef>
#include <iostream>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/emit.h"
#include "core/operators/cogroup.h"
#include "core/operators/count.h"
#include "core/operators/filter.h"
#include "core/operators/flat_map.h"
#include "core/operators/for_each_batch.h"
#include "core/operators/group_by_key.h"
#include "core/operators/map.h"
#include "core/operators/map_partitions.h"
#include "core/operators/once_per_key.h"
#include "core/operators/persist.h"
#include "core/operators/print.h"
#include "core/operators/reduce_by_key.h"
#include "core/operators/save_as_text_files.h"
#include "core/operators/transform.h"
#include "core/operators/union_with.h"
#include "core/view_rules.h"
#include "state/operators/running_totals.h"
#include "state/operators/state_views.h"
#include "state/operators/update_state_by_key.h"
#include "state/state.h"
#include "tidemill/functions.h"
#include "tidemill/job.h"

namespace tidemill {

template <class T>
class DStream;
template <class K, class V>
class StateStream;
template <class T>
class RememberedStream;

namespace detail {

template <class T>
inline constexpr bool isPair = false;
template <class K, class V>
inline constexpr bool isPair<std::pair<K, V>> = true;

// What the range holds that a function returned.
template <class Range>
struct RangeOf {
    static_assert(std::ranges::range<Range>,
                  "the function must return a range of elements, such as a std::vector");
    static_assert(!std::convertible_to<Range, std::string_view>,
                  "the function returns one text, which would be taken apart into characters: use "
                  "map or mapValues, which make one element each, or return a std::vector");
    using Element = std::ranges::range_value_t<Range>;
};
template <class Range>
using ElementOf = typename RangeOf<Range>::Element;

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
    using type = ElementOf<std::invoke_result_t<F&, In>>;
};

template <class In, class F>
    requires(!requires { typename F::Element; } && !std::invocable<F&, In>)
struct FlatMapElement<In, F> {
    using type = In;
};

template <class T>
struct PairOf {
    using Key = void;
    using Value = void;
};
template <class K, class V>
struct PairOf<std::pair<K, V>> {
    using Key = K;
    using Value = V;
};

// What a function's range holds.
template <class F, class... Args>
using RangeElement = ElementOf<std::invoke_result_t<F&, Args...>>;

// The element type of the vector that a transform function returns.
template <class F, class... Batches>
struct TransformElement {
    static auto call() {
        if constexpr (std::invocable<F&, Batches&..., BatchTime>)
            return std::type_identity<RangeElement<F, Batches&..., BatchTime>>();
        else
            return std::type_identity<RangeElement<F, Batches&...>>();
    }
    using type = typename decltype(call())::type;
};

// A window of pairs T with f, its inverse and a filter.
template <class T, class F, class Inverse, class Filter>
concept InverseWindow =
    isPair<T> && !std::convertible_to<Inverse, Duration> &&
    Reduces<F, typename PairOf<T>::Value> && Reduces<Inverse, typename PairOf<T>::Value> &&
    std::predicate<Filter&, const T&>;

template <class F, class K, class V, class S>
auto updateResult() {
    if constexpr (std::invocable<F&, BatchTime, const K&, std::span<const V>, std::optional<S>>)
        return std::type_identity<
            std::invoke_result_t<F&, BatchTime, const K&, std::span<const V>, std::optional<S>>>();
    else
        return std::type_identity<std::invoke_result_t<F&, std::span<const V>, std::optional<S>>>();
}
template <class F, class K, class V, class S>
using UpdateResult = typename decltype(updateResult<F, K, V, S>())::type;

template <class F, class K, class V, class S>
concept UpdateFunction =
    std::is_invocable_r_v<std::optional<S>, F&, std::span<const V>, std::optional<S>> ||
    std::is_invocable_r_v<std::optional<S>, F&, BatchTime, const K&, std::span<const V>,
                          std::optional<S>>;

template <class F, class T, class S>
concept UpdatesPair = isPair<T> && UpdateFunction<F, typename PairOf<T>::Key,
                                                  typename PairOf<T>::Value, S>;

// f(key, optional value, state), or the same with the batch's time first, that gives something.
template <class F, class T, class S>
concept MapsPairWithState =
    isPair<T> &&
    (GivesValue<F, const typename PairOf<T>::Key&, std::optional<typename PairOf<T>::Value>,
                State<S>&> ||
     GivesValue<F, BatchTime, const typename PairOf<T>::Key&,
                std::optional<typename PairOf<T>::Value>, State<S>&>);

}  // namespace detail

// The filter of a window that drops nothing.
using KeepAll = state::KeepAll;

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
    static_assert(!std::is_same_v<T, bool>,
                  "there are no streams of bool, because std::vector<bool> is no vector of bool: "
                  "use int or an enum");

public:
    using Element = T;

    DStream(std::shared_ptr<Job> job, std::shared_ptr<core::StreamNode<T>> node)
        : job_(std::move(job)), node_(std::move(node)) {}

    // f(x) -> y.
    template <class F>
        requires detail::GivesValue<F, T>
    auto map(F f) const {
        using Result = std::invoke_result_t<F&, T>;
        using Out = std::decay_t<Result>;
        core::requireLastingViews<Result, F, T>();
        return add(std::make_shared<core::MapNode<T, Out, F>>("map", node_, std::move(f)), "map");
    }

    template <class F>
        requires(!detail::GivesValue<F, T>)
    TIDEMILL_REFUSED("map takes f(x), of an element of the stream, that returns the new element")
    void map(F) const {}

    // Elements for which f(x) is true.
    template <std::predicate<const T&> F>
    DStream<T> filter(F f) const {
        return add(std::make_shared<core::FilterNode<T, F>>(node_, std::move(f)), "filter");
    }

    template <class F>
        requires(!std::predicate<F, const T&>)
    TIDEMILL_REFUSED("filter takes f(x), of an element of the stream, that returns a bool")
    void filter(F) const {}

    // f(x, emit), which calls emit(y) for each result and allocates nothing, or f(x) that returns a
    // range (convenient; costs that range's allocation per element). For f(x, emit) the result's
    // type is T; name another one as in flatMap<Out>(f).
    template <class F>
        requires detail::FlatMaps<F, T>
    auto flatMap(F f) const {
        return flatMap<typename detail::FlatMapElement<T, F>::type>(std::move(f));
    }
    template <class Out, class F>
        requires(std::invocable<F&, T, Emit<Out>&> || std::invocable<F&, T>)
    DStream<Out> flatMap(F f) const {
        if constexpr (std::invocable<F&, T, Emit<Out>&>)
            core::requireLastingViews<Out, F, T, Emit<Out>&>();
        else
            core::requireLastingViews<std::invoke_result_t<F&, T>, F, T>();
        return add(std::make_shared<core::FlatMapNode<T, Out, F>>("flatMap", node_, std::move(f)),
                   "flatMap");
    }

    template <class F>
        requires(!detail::FlatMaps<F, T>)
    TIDEMILL_REFUSED("flatMap takes f(x), of an element of the stream, that returns a range, or "
                     "f(x, emit) that calls emit(y); when y has another type than x: flatMap<Y>(f)")
    void flatMap(F) const {}

    // f(std::span<T> elements of a partition) -> range.
    template <class F>
        requires(!detail::GivesRange<F, std::span<T>>)
    TIDEMILL_REFUSED("mapPartitions takes f(std::span<T>), of a partition's elements, that returns "
                     "a range")
    void mapPartitions(F) const {}
    template <class F>
        requires detail::GivesRange<F, std::span<T>>
    auto mapPartitions(F f) const {
        using Out = detail::RangeElement<F, std::span<T>>;
        core::requireLastingViews<std::invoke_result_t<F&, std::span<T>>, F, std::span<T>>();
        return add(std::make_shared<core::MapPartitionsNode<T, Out, F>>("mapPartitions", node_,
                                                                        std::move(f)),
                   "mapPartitions");
    }

    // Each partition as one std::vector<T>.
    DStream<std::vector<T>> glom() const {
        const auto whole = [](std::span<T> elements) {
            return std::vector<std::vector<T>>{{elements.begin(), elements.end()}};
        };
        return add(std::make_shared<core::MapPartitionsNode<T, std::vector<T>, decltype(whole)>>(
                       "glom", node_, whole),
                   "glom");
    }

    // The same elements in `partitions` partitions of equal size, in their order.
    DStream<T> repartition(std::uint32_t partitions) const {
        if (partitions == 0) throw std::invalid_argument("repartition: at least one partition");
        return add(std::make_shared<core::PersistNode<T>>("repartition", node_, partitions),
                   "repartition");
    }

    // The same elements, computed once per batch however many read them, and held in memory for
    // as long as the batch runs.
    DStream<T> persist() const {
        return add(std::make_shared<core::PersistNode<T>>("persist", node_, std::nullopt), "persist");
    }
    DStream<T> cache() const { return persist(); }

    // The elements of both streams, which must have one slide.
    DStream<T> unionWith(const DStream<T>& other) const {
        requireSameSlide(other, "unionWith");
        return add(std::make_shared<core::UnionNode<T>>(node_, other.node()), "unionWith");
    }

    // All elements of a batch reduced to one by the associative function f; none for an empty one.
    template <class F>
        requires(!detail::Reduces<F, T>)
    TIDEMILL_REFUSED("reduce takes f(a, b), of two elements, that returns one of the same type")
    void reduce(F) const {}
    template <class F>
        requires detail::Reduces<F, T>
    DStream<T> reduce(F f) const {
        return map([](T&& element) { return std::pair<std::uint8_t, T>(0, std::move(element)); })
            .reduceByKey(std::move(f))
            .map([](std::pair<std::uint8_t, T>&& all) { return T(std::move(all.second)); });
    }

    // The number of elements: one element per batch, 0 for an empty one.
    DStream<std::int64_t> count() const {
        return add(std::make_shared<core::CountNode<T>>(node_), "count");
    }

    // f(Batch<T>& batch) or f(batch, time) -> std::vector<U>: any function of a whole batch.
    template <class F>
        requires(!detail::Transforms<F, Batch<T>>)
    TIDEMILL_REFUSED("transform takes f(Batch<T>& batch) or f(batch, BatchTime) that returns a "
                     "std::vector")
    void transform(F) const {}
    template <class F>
        requires detail::Transforms<F, Batch<T>>
    auto transform(F f) const {
        using Out = typename detail::TransformElement<F, Batch<T>>::type;
        core::requireOwnBytes<Out, T>();
        return add(std::make_shared<core::TransformNode<Out, F, T>>("transform", std::move(f), node_),
                   "transform");
    }

    // f(Batch<T>& batch, Batch<U>& other) or f(batch, other, time) -> std::vector<X>.
    template <class U, class F>
        requires(!detail::Transforms<F, Batch<T>, Batch<U>>)
    TIDEMILL_REFUSED("transformWith takes f(Batch<T>& batch, Batch<U>& other), or the same with a "
                     "BatchTime behind, that returns a std::vector")
    void transformWith(const DStream<U>&, F) const {}
    template <class U, class F>
        requires detail::Transforms<F, Batch<T>, Batch<U>>
    auto transformWith(const DStream<U>& other, F f) const {
        requireSameSlide(other, "transformWith");
        using Out = typename detail::TransformElement<F, Batch<T>, Batch<U>>::type;
        core::requireOwnBytes<Out, std::pair<T, U>>();
        return add(std::make_shared<core::TransformNode<Out, F, T, U>>(
                       "transformWith", std::move(f), node_, other.node()),
                   "transformWith");
    }

    // (value, how often it occurs), per batch.
    auto countByValue() const {
        return map([](T&& element) { return std::pair<T, std::int64_t>(std::move(element), 1); })
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
        requires(!detail::LooksAt<F, Batch<T>>)
    TIDEMILL_REFUSED("forEachBatch takes f(Batch<T>& batch) or f(batch, BatchTime)")
    void forEachBatch(F) const {}
    template <class F>
        requires detail::LooksAt<F, Batch<T>>
    void forEachBatch(F f) const {
        addOutput("forEachBatch", std::move(f));
    }

    // Each batch as a directory PREFIX-TIMEMS[.SUFFIX] of text files; see docs/outputs.md.
    void saveAsTextFiles(std::string prefix, std::string suffix = "") const {
        requireNotStarted(*job_, "saveAsTextFiles");
        job_->graph.addOutput(std::make_unique<core::SaveAsTextFiles<T>>(
            node_, *job_->files, std::move(prefix), std::move(suffix),
            [](std::string& out, const T& element) {
                core::appendElement(out, element);
                out += '\n';
            }));
    }

    // For pairs: all values of a key in the batch reduced to one by the associative function f.
    template <class F>
        requires(detail::isPair<T> && !detail::Reduces<F, typename detail::PairOf<T>::Value>)
    TIDEMILL_REFUSED("reduceByKey takes f(a, b), of two values of a key, that returns one of the "
                     "same type")
    void reduceByKey(F) const {}
    template <class F>
    auto reduceByKey(F f) const
        requires(detail::isPair<T> && detail::Reduces<F, typename detail::PairOf<T>::Value>)
    {
        return add(core::makeReduceByKey(node_, std::move(f)), "reduceByKey");
    }

    // For pairs: all values of a key in the batch, in the order in which they came.
    auto groupByKey() const
        requires detail::isPair<T>
    {
        return add(core::makeGroupByKey(node_), "groupByKey");
    }

    // For pairs: the values of a key combined to a C: create(value) -> C, mergeValue(C, value) -> C,
    // mergeCombiners(C, C) -> C.
    template <class Create, class MergeValue, class MergeCombiners>
        requires(detail::isPair<T> && !detail::Combines<typename detail::PairOf<T>::Value, Create,
                                                        MergeValue, MergeCombiners>)
    TIDEMILL_REFUSED("combineByKey takes create(value) -> C, mergeValue(C, value) -> C and "
                     "mergeCombiners(C, C) -> C")
    void combineByKey(Create, MergeValue, MergeCombiners) const {}
    template <class Create, class MergeValue, class MergeCombiners>
    auto combineByKey(Create create, MergeValue mergeValue, MergeCombiners mergeCombiners) const
        requires(detail::isPair<T> && detail::Combines<typename detail::PairOf<T>::Value, Create,
                                                       MergeValue, MergeCombiners>)
    {
        using Value = typename detail::PairOf<T>::Value;
        using C = std::decay_t<std::invoke_result_t<Create&, Value>>;
        core::requireOwnBytes<C, Value>();
        core::requireLossless<std::invoke_result_t<const MergeValue&, C, Value>, C>();
        core::requireLossless<std::invoke_result_t<const MergeCombiners&, C, C>, C>();
        using Combiner = core::FunctionCombiner<Value, C, Create, MergeValue, MergeCombiners>;
        return add(std::make_shared<core::CombineByKeyNode<typename detail::PairOf<T>::Key, Value, C,
                                                           Combiner>>(
                       "combineByKey", node_,
                       Combiner{std::move(create), std::move(mergeValue), std::move(mergeCombiners)}),
                   "combineByKey");
    }

    // For pairs: the same pairs, those of one key in one partition.
    DStream<T> partitionBy() const
        requires detail::isPair<T>
    {
        using Value = typename detail::PairOf<T>::Value;
        return groupByKey().flatMapValuesNamed(
            "partitionBy", [](std::vector<Value> values) { return values; });
    }

    // For pairs: f(value) -> another value; keys stay.
    template <class F>
        requires(detail::isPair<T> && !detail::GivesValue<F, typename detail::PairOf<T>::Value>)
    TIDEMILL_REFUSED("mapValues takes f(value) that returns the new value")
    void mapValues(F) const {}
    template <class F>
    auto mapValues(F f) const
        requires(detail::isPair<T> && detail::GivesValue<F, typename detail::PairOf<T>::Value>)
    {
        using Key = typename detail::PairOf<T>::Key;
        using Value = typename detail::PairOf<T>::Value;
        using Result = std::invoke_result_t<F&, Value>;
        using Out = std::pair<Key, std::decay_t<Result>>;
        constexpr bool kKeeps = core::kMayPointInto<std::decay_t<Result>, Value>;
        core::requireLastingViews<Result, F, Value>();
        auto withKey = [f = std::move(f)](T&& pair) mutable {
            return Out(std::move(pair.first), std::invoke(f, std::move(pair.second)));
        };
        return add(std::make_shared<core::MapNode<T, Out, decltype(withKey), kKeeps>>(
                       "mapValues", node_, std::move(withKey), node_->keyed()),
                   "mapValues");
    }

    // For pairs: f(value) -> range of values, each under the pair's key.
    template <class F>
        requires(detail::isPair<T> && !detail::GivesRange<F, typename detail::PairOf<T>::Value>)
    TIDEMILL_REFUSED("flatMapValues takes f(value) that returns a range of new values")
    void flatMapValues(F) const {}
    template <class F>
    auto flatMapValues(F f) const
        requires(detail::isPair<T> && detail::GivesRange<F, typename detail::PairOf<T>::Value>)
    {
        using Value = typename detail::PairOf<T>::Value;
        core::requireLastingViews<std::invoke_result_t<F&, Value>, F, Value>();
        return flatMapValuesNamed<core::kMayPointInto<detail::RangeElement<F, Value>, Value>>(
            "flatMapValues", std::move(f));
    }

    // For pairs of one key type and slide: (key, (values here, values there)) for every key of
    // either stream.
    template <class W>
    auto cogroup(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other) const
        requires detail::isPair<T>
    {
        using Key = typename detail::PairOf<T>::Key;
        using Value = typename detail::PairOf<T>::Value;
        requireSameSlide(other, "cogroup");
        requireNotStarted(*job_, "cogroup");
        auto here = core::groupedOncePerKey(job_->graph, node_);
        auto there = core::groupedOncePerKey(job_->graph, other.node());
        return add(std::make_shared<core::CogroupNode<Key, Value, W>>(std::move(here),
                                                                      std::move(there)),
                   "cogroup");
    }

    // (key, (value here, value there)) for every two values of one key.
    template <class W>
    auto join(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other) const
        requires detail::isPair<T>
    {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed("join", [](core::BothValues<Value, W> both) {
            std::vector<std::pair<Value, W>> all;
            for (const auto& left : both.first)
                for (const auto& right : both.second) all.emplace_back(left, right);
            return all;
        });
    }

    // The same, with (value here, nothing) where the other stream lacks the key.
    template <class W>
    auto leftOuterJoin(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other) const
        requires detail::isPair<T>
    {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed(
            "leftOuterJoin", [](core::BothValues<Value, W> both) {
                std::vector<std::pair<Value, std::optional<W>>> all;
                for (const auto& left : both.first) {
                    if (both.second.empty()) all.emplace_back(left, std::nullopt);
                    for (const auto& right : both.second) all.emplace_back(left, right);
                }
                return all;
            });
    }

    // The same, with (nothing, value there) where this stream lacks the key.
    template <class W>
    auto rightOuterJoin(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other) const
        requires detail::isPair<T>
    {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed(
            "rightOuterJoin", [](core::BothValues<Value, W> both) {
                std::vector<std::pair<std::optional<Value>, W>> all;
                for (const auto& right : both.second) {
                    if (both.first.empty()) all.emplace_back(std::nullopt, right);
                    for (const auto& left : both.first) all.emplace_back(left, right);
                }
                return all;
            });
    }

    // Both.
    template <class W>
    auto fullOuterJoin(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other) const
        requires detail::isPair<T>
    {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed(
            "fullOuterJoin", [](core::BothValues<Value, W> both) {
                std::vector<std::pair<std::optional<Value>, std::optional<W>>> all;
                for (const auto& left : both.first) {
                    if (both.second.empty()) all.emplace_back(left, std::nullopt);
                    for (const auto& right : both.second) all.emplace_back(left, right);
                }
                if (both.first.empty())
                    for (const auto& right : both.second) all.emplace_back(std::nullopt, right);
                return all;
            });
    }

    // Keeps the elements of the batches of the last `length` in memory, for slice(). Not kept over
    // restarts.
    RememberedStream<T> remember(Duration length) const;

    // Windows: in the batches at multiples of `slide` (0: of every batch), the last `length` of the
    // stream. Both are multiples of the stream's own slide, else std::invalid_argument is thrown.
    // What a window keeps is found again after a restart under `name`; without one, under a name
    // derived from the order of the declarations. See docs/guide/windows.md.

    // The elements themselves.
    DStream<T> window(Duration length, Duration slide = {}, std::string name = {}) const;

    // How many there are: one element, but none before the first data.
    DStream<std::int64_t> countByWindow(Duration length, Duration slide = {},
                                        std::string name = {}) const;

    // (value, how often) of every value in the window.
    DStream<std::pair<T, std::int64_t>> countByValueAndWindow(Duration length, Duration slide = {},
                                                              std::string name = {}) const;

    // All elements reduced to one by the associative function f(older, newer); none for an empty
    // window.
    template <class F>
        requires(!detail::Reduces<F, T>)
    TIDEMILL_REFUSED("reduceByWindow takes f(a, b), of two elements, that returns one of the same "
                     "type")
    void reduceByWindow(F, Duration, Duration = {}, std::string = {}) const {}
    template <class F>
        requires detail::Reduces<F, T>
    DStream<T> reduceByWindow(F f, Duration length, Duration slide = {},
                              std::string name = {}) const;
    // inverse(reduced, leaving) undoes f(reduced, leaving). Once there was data, an element for
    // every window.
    template <class F, class Inverse>
        requires(!std::convertible_to<Inverse, Duration> &&
                 !(detail::Reduces<F, T> && detail::Reduces<Inverse, T>))
    TIDEMILL_REFUSED("reduceByWindow takes f(a, b) and inverse(reduced, leaving), of elements, "
                     "that return one of the same type")
    void reduceByWindow(F, Inverse, Duration, Duration = {}, std::string = {}) const {}
    template <class F, class Inverse>
        requires(!std::convertible_to<Inverse, Duration> && detail::Reduces<F, T> &&
                 detail::Reduces<Inverse, T>)
    DStream<T> reduceByWindow(F f, Inverse inverse, Duration length, Duration slide = {},
                              std::string name = {}) const;

    // For pairs: the values of each key in the window reduced by the associative function
    // f(older, newer). Keys that are not in the window are absent.
    template <class F>
        requires(detail::isPair<T> && !detail::Reduces<F, typename detail::PairOf<T>::Value>)
    TIDEMILL_REFUSED("reduceByKeyAndWindow takes f(a, b), of two values of a key, that returns one "
                     "of the same type")
    void reduceByKeyAndWindow(F, Duration, Duration = {}, std::string = {}) const {}
    template <class F>
        requires(detail::isPair<T> && detail::Reduces<F, typename detail::PairOf<T>::Value>)
    auto reduceByKeyAndWindow(F f, Duration length, Duration slide = {},
                              std::string name = {}) const;
    // The same with an inverse as above, which costs less; least for std::plus and std::minus of
    // integers. A key that has left the window stays, with what is left of its values. Keys that
    // filter((key, value)) does not hold for are not shown, and forgotten once they have left.
    template <class F, class Inverse, class Filter = KeepAll>
        requires detail::InverseWindow<T, F, Inverse, Filter>
    auto reduceByKeyAndWindow(F f, Inverse inverse, Duration length, Duration slide = {},
                              Filter filter = {}, std::string name = {}) const;
    template <class F, class Inverse, class Filter = KeepAll>
        requires(detail::isPair<T> && !std::convertible_to<Inverse, Duration> &&
                 !std::convertible_to<Filter, std::string> &&
                 !detail::InverseWindow<T, F, Inverse, Filter>)
    TIDEMILL_REFUSED("reduceByKeyAndWindow takes f(a, b) and inverse(reduced, leaving), of values "
                     "of a key, that return one of the same type, and filter((key, value)), that "
                     "returns a bool")
    void reduceByKeyAndWindow(F, Inverse, Duration, Duration = {}, Filter = {},
                              std::string = {}) const {}
    // Without a filter, by name.
    template <class F, class Inverse>
        requires detail::InverseWindow<T, F, Inverse, KeepAll>
    auto reduceByKeyAndWindow(F f, Inverse inverse, Duration length, Duration slide,
                              std::string name) const {
        return reduceByKeyAndWindow(std::move(f), std::move(inverse), length, slide, KeepAll(),
                                    std::move(name));
    }

    // For pairs: (key, all its values in the window), in the order of their batches.
    auto groupByKeyAndWindow(Duration length, Duration slide = {}, std::string name = {}) const
        requires detail::isPair<T>;

    // For pairs: running totals of the values of each key, kept under `name` in the data directory
    // (empty: a derived one). The stream holds the keys touched in a batch with their new totals;
    // .all() every key. See StateStream for what else can be asked of it.
    auto runningTotals(std::string name = {}) const
        requires detail::isPair<T>
    {
        return runningTotalsOf<typename T::first_type, typename T::second_type>(std::move(name));
    }

    // For pairs: f(new values, optional state) -> optional state, or f(batch time, key, new values,
    // optional state); an empty result removes the key. The stream holds the keys visited, with
    // their states.
    template <class S, class F>
        requires(detail::isPair<T> && !detail::UpdatesPair<F, T, S>)
    TIDEMILL_REFUSED("updateStateByKey takes f(std::span<const V> newValues, std::optional<S> "
                     "state), or f(BatchTime, const K&, span, optional), that returns "
                     "std::optional<S>")
    void updateStateByKey(std::string, F, Visit = Visit::kEveryKey) const {}
    template <class S, class F>
    auto updateStateByKey(std::string name, F f, Visit visit = Visit::kEveryKey) const
        requires detail::UpdatesPair<F, T, S>
    {
        return updateState<S, typename T::first_type, typename T::second_type>(
            std::move(name), std::move(f), visit);
    }

    // The same without a name; see StateStream::named.
    template <class S, class F>
        requires(!std::convertible_to<F, std::string> && detail::isPair<T> &&
                 !detail::UpdatesPair<F, T, S>)
    TIDEMILL_REFUSED("updateStateByKey takes f(std::span<const V> newValues, std::optional<S> "
                     "state), or f(BatchTime, const K&, span, optional), that returns "
                     "std::optional<S>")
    void updateStateByKey(F, Visit = Visit::kEveryKey) const {}
    template <class S, class F>
        requires(!std::convertible_to<F, std::string> && detail::UpdatesPair<F, T, S>)
    auto updateStateByKey(F f, Visit visit = Visit::kEveryKey) const {
        return updateStateByKey<S>(std::string(), std::move(f), visit);
    }

    // For pairs: f(key, optional value, State<S>&) -> E or optional E, or the same with the batch's
    // time first, called for each record in the order in which those of its key came. The stream holds what the calls made; for names,
    // timeouts and initial states see MapWithStateStream.
    template <class S, class F>
        requires detail::MapsPairWithState<F, T, S>
    auto mapWithState(F f) const;
    template <class S, class F>
        requires(detail::isPair<T> && !detail::MapsPairWithState<F, T, S>)
    TIDEMILL_REFUSED("mapWithState takes f(const K& key, std::optional<V> value, State<S>& state), "
                     "or f(BatchTime, const K&, optional, State&), that returns an element or an "
                     "optional")
    void mapWithState(F) const {}

    const std::shared_ptr<core::StreamNode<T>>& node() const { return node_; }
    const std::shared_ptr<Job>& job() const { return job_; }

private:
    template <class U>
    friend class DStream;

    // `kKeeps`: what is made may point into the values.
    template <bool kKeeps = false, class F>
    auto flatMapValuesNamed(const char* kind, F f) const {
        using Key = typename detail::PairOf<T>::Key;
        using Out = std::pair<Key, detail::RangeElement<F, typename detail::PairOf<T>::Value>>;
        auto withKey = [f = std::move(f)](T&& pair, Emit<Out>& emit) mutable {
            for (auto&& made : std::invoke(f, std::move(pair.second)))
                emit(Out(pair.first, std::forward<decltype(made)>(made)));
        };
        const bool ranged = node_->keyed() != core::Keyed::kNo;
        return add(
            std::make_shared<core::FlatMapNode<T, Out, decltype(withKey), kKeeps>>(
                kind, node_, std::move(withKey), ranged ? core::Keyed::kRanged : core::Keyed::kNo),
            kind);
    }

    template <class U>
    void requireSameSlide(const DStream<U>& other, const char* operation) const {
        const Duration here = job_->slideOf(*node_), there = job_->slideOf(*other.node());
        if (here != there)
            throw std::invalid_argument(std::string(operation) + ": the two streams slide differently (" +
                                        std::to_string(here.count()) + " ms and " +
                                        std::to_string(there.count()) + " ms)");
    }

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
