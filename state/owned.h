// Elements in flight may hold views; what is kept of them must own its bytes.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/arena.h"

namespace tidemill::state {

// The same type with std::string for every std::string_view in it, in pairs and tuples too.
template <class T>
struct OwnedType {
    using type = T;
};
template <>
struct OwnedType<std::string_view> {
    using type = std::string;
};
template <class A, class B>
struct OwnedType<std::pair<A, B>> {
    using type = std::pair<typename OwnedType<A>::type, typename OwnedType<B>::type>;
};
template <class... Ts>
struct OwnedType<std::tuple<Ts...>> {
    using type = std::tuple<typename OwnedType<Ts>::type...>;
};
template <class T>
using Owned = typename OwnedType<T>::type;

template <class T>
Owned<T> toOwned(const T& element) {
    if constexpr (std::is_same_v<T, Owned<T>>) {
        return element;
    } else if constexpr (std::is_same_v<T, std::string_view>) {
        return std::string(element);
    } else {
        return std::apply(
            [](const auto&... parts) { return Owned<T>(toOwned(parts)...); }, element);
    }
}

// The element again; the bytes of its views live in `arena`.
template <class T>
T fromOwned(Owned<T>&& owned, core::Arena& arena) {
    if constexpr (std::is_same_v<T, Owned<T>>) {
        return std::move(owned);
    } else if constexpr (std::is_same_v<T, std::string_view>) {
        return arena.copy(owned);
    } else {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return T(fromOwned<std::tuple_element_t<I, T>>(std::move(std::get<I>(owned)), arena)...);
        }(std::make_index_sequence<std::tuple_size_v<T>>());
    }
}

}  // namespace tidemill::state
