// What is refused when compiling because views would point to bytes that are gone.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>

#include "core/views.h"

namespace tidemill::core {
namespace view_detail {

// The first parameter of a function that is not overloaded and no template.
template <class R, class P, class... Rest>
std::type_identity<P> firstParameter(R (*)(P, Rest...));
template <class C, class R, class P, class... Rest>
std::type_identity<P> firstParameter(R (C::*)(P, Rest...));
template <class C, class R, class P, class... Rest>
std::type_identity<P> firstParameter(R (C::*)(P, Rest...) const);

template <class F>
consteval auto parameterOf() {
    if constexpr (requires { firstParameter(&F::operator()); })
        return decltype(firstParameter(&F::operator()))();
    else if constexpr (std::is_pointer_v<F> && requires(F f) { firstParameter(f); })
        return decltype(firstParameter(std::declval<F>()))();
    else return std::type_identity<void>();
}

// An overload, or an instance of a template, that takes its first argument as an In of its own.
template <class F, class In, class... Rest>
concept TakesByValue = std::is_class_v<F> &&(
    requires {
        static_cast<std::invoke_result_t<F&, In, Rest...> (F::*)(In, Rest...) const>(
            &F::operator());
    } ||
    requires {
        static_cast<std::invoke_result_t<F&, In, Rest...> (F::*)(In, Rest...)>(&F::operator());
    });

}  // namespace view_detail

// Whether what F makes of an In, a Made, may point into a parameter of F, gone when F returns.
template <class Made, class F, class In, class... Rest>
consteval bool mayPointIntoParameter() {
    using P = typename decltype(view_detail::parameterOf<F>())::type;
    using D = std::remove_cvref_t<P>;
    if constexpr (!kMayHoldViews<Made>) {
        return false;
    } else if constexpr (std::is_void_v<P>) {
        if constexpr (std::is_same_v<In, Made> || !kMayPointInto<Made, In>) return false;
        else return view_detail::TakesByValue<F, In, Rest...>;
    } else if constexpr (std::is_same_v<D, Made> || !kMayPointInto<Made, D>) {
        return false;
    } else {
        return !(std::is_reference_v<P> && (std::is_same_v<D, In> || std::is_base_of_v<D, In>));
    }
}

// Whether views that F returns may point into what F itself holds and changes with the next call.
template <class Made, class F, class In>
inline constexpr bool kMayPointIntoChanging =
    kHoldsViews<Made>&& std::is_class_v<F> && !std::is_trivially_copyable_v<F> &&
    !std::invocable<const F&, In>;

// Refuses functions of elements In whose results (Made; `Rest`: parameters behind the element)
// would not outlive the call. What they may point into otherwise is kept: see core/kept.h.
template <class Made, class F, class In, class... Rest>
constexpr void requireLastingViews() {
    static_assert(!mayPointIntoParameter<Made, F, In, Rest...>(),
                  "the function takes its element by value, and what it makes may hold views into "
                  "it, which is gone when the function returns: take the element as a const "
                  "reference, or make what owns its bytes (std::string); of a class that owns its "
                  "bytes, say so with tidemill::kOwnsItsBytes");
    if constexpr (sizeof...(Rest) == 0)
        static_assert(!kMayPointIntoChanging<std::decay_t<Made>, F, In>,
                      "the function is mutable and returns views, which may point into what its "
                      "next call changes: return what owns its bytes (std::string), or take "
                      "(element, emit) and give emit.store(bytes)");
}

// Refuses values that a function of two of them cannot reduce: one that holds both text and views
// could be a view of the text of another, which is gone.
template <class V>
constexpr void requireReducible() {
    static_assert(!(kHoldsTextViews<V> && kOwnsText<V> && !kHoldsOpaque<V>),
                  "values that are reduced either own their bytes or hold views, not both: give "
                  "them std::string instead of std::string_view, or the other way round");
}

// Refuses a Kept that a function makes of a Gone when it may hold views of it.
template <class Kept, class Gone>
constexpr void requireOwnBytes() {
    static_assert(!kMayPointInto<Kept, Gone>,
                  "what the function makes may hold views of elements that are gone when it "
                  "returns: make what owns its bytes (std::string); of a class that owns its "
                  "bytes, say so with tidemill::kOwnsItsBytes");
}

}  // namespace tidemill::core
