// What the types of elements and functions tell of the streams that are made of them.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/time.h"
#include "state/state.h"
#include "tidemill/functions.h"

namespace tidemill::detail {

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
requires(!requires { typename F::Element; } &&
         std::invocable<F&, In>) struct FlatMapElement<In, F> {
    using type = ElementOf<std::invoke_result_t<F&, In>>;
};

template <class In, class F>
requires(!requires { typename F::Element; } &&
         !std::invocable<F&, In>) struct FlatMapElement<In, F> {
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
        else return std::type_identity<RangeElement<F, Batches&...>>();
    }
    using type = typename decltype(call())::type;
};

// A window of pairs T with f, its inverse and a filter.
template <class T, class F, class Inverse, class Filter>
concept InverseWindow =
    isPair<T> && !std::convertible_to<Inverse, Duration> && Reduces<F, typename PairOf<T>::Value> &&
    Reduces<Inverse, typename PairOf<T>::Value> && std::predicate<Filter&, const T&>;

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
concept UpdatesPair = isPair<T> && UpdateFunction < F,
        typename PairOf<T>::Key,
typename PairOf<T>::Value, S > ;

// f(key, optional value, state), or the same with the batch's time first, that gives something.
template <class F, class T, class S>
concept MapsPairWithState = isPair<T> &&
    (GivesValue<F, const typename PairOf<T>::Key&, std::optional<typename PairOf<T>::Value>,
                State<S>&> ||
     GivesValue<F, BatchTime, const typename PairOf<T>::Key&,
                std::optional<typename PairOf<T>::Value>, State<S>&>);

}  // namespace tidemill::detail
