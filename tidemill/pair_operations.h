// What streams of pairs can do with the values of each key in a batch.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/emit.h"
#include "core/operators/cogroup.h"
#include "core/operators/flat_map.h"
#include "core/operators/group_by_key.h"
#include "core/operators/map.h"
#include "core/operators/once_per_key.h"
#include "core/operators/reduce_by_key.h"
#include "core/view_rules.h"
#include "tidemill/element_types.h"
#include "tidemill/stream_job.h"

namespace tidemill {

namespace detail {

// f(value) as functions of pairs: const where f is, so that a function that cannot remember what it
// was called with is known to.
template <class T, class Out, class F>
struct MappedValue {
    F f;
    core::FunctionIdentity identity() const { return core::identityOf(f); }

    Out operator()(T&& pair) { return make(f, pair); }
    Out operator()(T&& pair) const requires std::invocable<const F&, typename PairOf<T>::Value> {
        return make(f, pair);
    }

private:
    static Out make(auto& f, T& pair) {
        return Out(std::move(pair.first), std::invoke(f, std::move(pair.second)));
    }
};

template <class T, class Out, class F>
struct FlatMappedValue {
    F f;
    core::FunctionIdentity identity() const { return core::identityOf(f); }

    void operator()(T&& pair, Emit<Out>& emit) { make(f, pair, emit); }
    void operator()(T&& pair, Emit<Out>& emit)
        const requires std::invocable<const F&, typename PairOf<T>::Value> {
        make(f, pair, emit);
    }

private:
    static void make(auto& f, T& pair, Emit<Out>& emit) {
        for (auto&& made : std::invoke(f, std::move(pair.second)))
            emit(Out(pair.first, std::forward<decltype(made)>(made)));
    }
};

}  // namespace detail

// A part of DStream<T>.
template <class T>
class PairOperations {
public:
    // For pairs: all values of a key in the batch reduced to one by the associative function f.
    template <class F>
    requires(detail::isPair<T> && !detail::Reduces<F, typename detail::PairOf<T>::Value>)
        TIDEMILL_REFUSED(
            "reduceByKey takes f(a, b), of two values of a key, that returns one of the "
            "same type")
    void reduceByKey(F) const {}
    template <class F>
    auto reduceByKey(F f) const
        requires(detail::isPair<T>&& detail::Reduces<F, typename detail::PairOf<T>::Value>) {
        return detail::added(self().job(), core::makeReduceByKey(self().node(), std::move(f)),
                             "reduceByKey");
    }

    // For pairs: all values of a key in the batch, in the order in which they came.
    auto groupByKey() const requires detail::isPair<T> {
        return detail::added(self().job(), core::makeGroupByKey(self().node()), "groupByKey");
    }

    // For pairs: the values of a key combined to a C: create(value) -> C, mergeValue(C, value) ->
    // C, mergeCombiners(C, C) -> C.
    template <class Create, class MergeValue, class MergeCombiners>
    requires(
        detail::isPair<T> &&
        !detail::Combines<typename detail::PairOf<T>::Value, Create, MergeValue, MergeCombiners>)
        TIDEMILL_REFUSED(
            "combineByKey takes create(value) -> C, mergeValue(C, value) -> C and "
            "mergeCombiners(C, C) -> C")
    void combineByKey(Create, MergeValue, MergeCombiners) const {}
    template <class Create, class MergeValue, class MergeCombiners>
    auto combineByKey(Create create, MergeValue mergeValue, MergeCombiners mergeCombiners) const
        requires(detail::isPair<T>&& detail::Combines<typename detail::PairOf<T>::Value, Create,
                                                      MergeValue, MergeCombiners>) {
        using Value = typename detail::PairOf<T>::Value;
        using C = std::decay_t<std::invoke_result_t<Create&, Value>>;
        core::requireOwnBytes<C, Value>();
        core::requireLossless<std::invoke_result_t<const MergeValue&, C, Value>, C>();
        core::requireLossless<std::invoke_result_t<const MergeCombiners&, C, C>, C>();
        using Combiner = core::FunctionCombiner<Value, C, Create, MergeValue, MergeCombiners>;
        return detail::added(
            self().job(),
            std::make_shared<
                core::CombineByKeyNode<typename detail::PairOf<T>::Key, Value, C, Combiner>>(
                "combineByKey", self().node(),
                Combiner{std::move(create), std::move(mergeValue), std::move(mergeCombiners)}),
            "combineByKey");
    }

    // For pairs: the same pairs, those of one key in one partition.
    DStream<T> partitionBy() const requires detail::isPair<T> {
        using Value = typename detail::PairOf<T>::Value;
        return groupByKey().flatMapValuesNamed("partitionBy",
                                               [](std::vector<Value> values) { return values; });
    }

    // For pairs: f(value) -> another value; keys stay.
    template <class F>
    requires(detail::isPair<T> && !detail::GivesValue<F, typename detail::PairOf<T>::Value>)
        TIDEMILL_REFUSED("mapValues takes f(value) that returns the new value")
    void mapValues(F) const {}
    template <class F>
    auto mapValues(F f) const
        requires(detail::isPair<T>&& detail::GivesValue<F, typename detail::PairOf<T>::Value>) {
        using Key = typename detail::PairOf<T>::Key;
        using Value = typename detail::PairOf<T>::Value;
        using Result = std::invoke_result_t<F&, Value>;
        using Out = std::pair<Key, std::decay_t<Result>>;
        constexpr bool kKeeps = core::kMayPointInto<std::decay_t<Result>, Value>;
        core::requireLastingViews<Result, F, Value>();
        using WithKey = detail::MappedValue<T, Out, F>;
        return detail::added(
            self().job(),
            std::make_shared<core::MapNode<T, Out, WithKey, kKeeps>>(
                "mapValues", self().node(), WithKey{std::move(f)}, self().node()->keyed()),
            "mapValues");
    }

    // For pairs: f(value) -> range of values, each under the pair's key.
    template <class F>
    requires(detail::isPair<T> && !detail::GivesRange<F, typename detail::PairOf<T>::Value>)
        TIDEMILL_REFUSED("flatMapValues takes f(value) that returns a range of new values")
    void flatMapValues(F) const {}
    template <class F>
    auto flatMapValues(F f) const
        requires(detail::isPair<T>&& detail::GivesRange<F, typename detail::PairOf<T>::Value>) {
        using Value = typename detail::PairOf<T>::Value;
        core::requireLastingViews<std::invoke_result_t<F&, Value>, F, Value>();
        return flatMapValuesNamed<core::kMayPointInto<detail::RangeElement<F, Value>, Value>>(
            "flatMapValues", std::move(f));
    }

    // For pairs of one key type and slide: (key, (values here, values there)) for every key of
    // either stream.
    template <class W>
    auto cogroup(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other)
        const requires detail::isPair<T> {
        using Key = typename detail::PairOf<T>::Key;
        using Value = typename detail::PairOf<T>::Value;
        detail::requireSameSlide(self(), other, "cogroup");
        requireNotStarted(*self().job(), "cogroup");
        auto here = core::groupedOncePerKey(self().job()->graph, self().node());
        auto there = core::groupedOncePerKey(self().job()->graph, other.node());
        return detail::added(
            self().job(),
            std::make_shared<core::CogroupNode<Key, Value, W>>(std::move(here), std::move(there)),
            "cogroup");
    }

    // (key, (value here, value there)) for every two values of one key.
    template <class W>
    auto join(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other)
        const requires detail::isPair<T> {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed("join", core::joined<Value, W, Value, W>);
    }

    // The same, with (value here, nothing) where the other stream lacks the key.
    template <class W>
    auto leftOuterJoin(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other)
        const requires detail::isPair<T> {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed("leftOuterJoin",
                                                 core::joined<Value, W, Value, std::optional<W>>);
    }

    // The same, with (nothing, value there) where this stream lacks the key.
    template <class W>
    auto rightOuterJoin(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other)
        const requires detail::isPair<T> {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed("rightOuterJoin", core::joinedByRight<Value, W>);
    }

    // Both.
    template <class W>
    auto fullOuterJoin(const DStream<std::pair<typename detail::PairOf<T>::Key, W>>& other)
        const requires detail::isPair<T> {
        using Value = typename detail::PairOf<T>::Value;
        return cogroup(other).flatMapValuesNamed(
            "fullOuterJoin", core::joined<Value, W, std::optional<Value>, std::optional<W>>);
    }

private:
    template <class U>
    friend class PairOperations;

    const DStream<T>& self() const { return static_cast<const DStream<T>&>(*this); }

    // `kKeeps`: what is made may point into the values.
    template <bool kKeeps = false, class F>
    auto flatMapValuesNamed(const char* kind, F f) const {
        using Key = typename detail::PairOf<T>::Key;
        using Out = std::pair<Key, detail::RangeElement<F, typename detail::PairOf<T>::Value>>;
        using WithKey = detail::FlatMappedValue<T, Out, F>;
        const bool ranged = self().node()->keyed() != core::Keyed::kNo;
        return detail::added(self().job(),
                             std::make_shared<core::FlatMapNode<T, Out, WithKey, kKeeps>>(
                                 kind, self().node(), WithKey{std::move(f)},
                                 ranged ? core::Keyed::kRanged : core::Keyed::kNo),
                             kind);
    }
};

}  // namespace tidemill
