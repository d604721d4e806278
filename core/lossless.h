// Which results of a function can become a value of another type without losing anything.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/views.h"

namespace tidemill::core {

// Numbers: every value of From is one of To. Pairs, tuples and optionals: their parts. Others: as
// the language converts them, but not from what owns its bytes to a view of it.
template <class From, class To>
consteval bool isLossless() {
    using A = std::remove_cvref_t<From>;
    if constexpr (std::is_same_v<A, To>) {
        return true;
    } else if constexpr (!std::convertible_to<From, To>) {
        return false;
    } else if constexpr (std::is_arithmetic_v<A> && std::is_arithmetic_v<To>) {
        using F = std::numeric_limits<A>;
        using T = std::numeric_limits<To>;
        if constexpr (std::is_same_v<To, bool>) return false;
        else if constexpr (F::is_integer)
            return F::digits <= T::digits && (T::is_signed || !F::is_signed);
        else return !T::is_integer && F::digits <= T::digits && F::max_exponent <= T::max_exponent;
    } else if constexpr (view_detail::kIsOptional<A> && view_detail::kIsOptional<To>) {
        return isLossless<typename A::value_type, typename To::value_type>();
    } else if constexpr (view_detail::kIsOptional<To> && !std::is_same_v<A, std::nullopt_t>) {
        return isLossless<A, typename To::value_type>();
    } else if constexpr (view_detail::TupleLike<A> && view_detail::TupleLike<To>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (isLossless<std::tuple_element_t<I, A>, std::tuple_element_t<I, To>>() && ...);
        }
        (std::make_index_sequence<std::tuple_size_v<To>>());
    } else {
        return !kMayPointInto<To, A>;
    }
}

// Refuses functions whose Result would lose something as a Value.
template <class Result, class Value>
constexpr void requireLossless() {
    static_assert(!std::convertible_to<Result, Value> || isLossless<Result, Value>(),
                  "the function's result does not fit into the type of the values without loss: "
                  "return that type, or give the values the type of the result first "
                  "(with map or mapValues)");
}

}  // namespace tidemill::core
