// What functions given to a stream must look like. A function that does not is refused at the line
// that gives it, with a sentence: DStream declares each operation a second time for those.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>

#include "core/emit.h"
#include "core/time.h"

// Before an overload for functions that do not fit: the compiler says this sentence at the call.
#define TIDEMILL_REFUSED(sentence) __attribute__((unavailable(sentence)))

namespace tidemill::detail {

// f(args…) gives an R, or what becomes one.
template <class R, class F, class... Args>
concept Gives = std::is_invocable_r_v<R, F&, Args...>;

// f(args…) gives something.
template <class F, class... Args>
concept GivesValue =
    std::invocable<F&, Args...> && !std::is_void_v<std::invoke_result_t<F&, Args...>>;

// f(args…) gives something to iterate over.
template <class F, class... Args>
concept GivesRange =
    std::invocable<F&, Args...> && std::ranges::range<std::invoke_result_t<F&, Args...>>;

// f(value, value) -> value, of a function that tasks may call at the same time.
template <class F, class V>
concept Reduces = Gives<V, const F, const V&, const V&>;

// f(x) -> range, f(x, emit), or a type that names its Element.
template <class F, class T>
concept FlatMaps = requires {
    typename F::Element;
}
|| GivesRange<F, T> || (!std::invocable<F&, T> && std::invocable<F&, T, Emit<T>&>);

// f(batches…) or f(batches…, time) -> range.
template <class F, class... Batches>
concept Transforms = GivesRange<F, Batches&..., BatchTime> || GivesRange<F, Batches&...>;

// f(batch) or f(batch, time).
template <class F, class B>
concept LooksAt = std::invocable<F&, B&> || std::invocable<F&, B&, BatchTime>;

template <class Create, class V>
struct CombinedBy {
    using type = void;
};
template <class Create, class V>
requires GivesValue<Create, V>
struct CombinedBy<Create, V> {
    using type = std::decay_t<std::invoke_result_t<Create&, V>>;
};

// create(value) -> C, mergeValue(C, value) -> C, mergeCombiners(C, C) -> C.
template <class V, class Create, class MergeValue, class MergeCombiners>
concept Combines = GivesValue<Create, V> && Gives < typename CombinedBy<Create, V>::type,
        MergeValue,
typename CombinedBy<Create, V>::type,
    V > &&Gives<typename CombinedBy<Create, V>::type, MergeCombiners,
                typename CombinedBy<Create, V>::type, typename CombinedBy<Create, V>::type>;

}  // namespace tidemill::detail
