// Elements in flight may hold views; what is kept of them must own its bytes.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/value_codec.h"
#include "core/views.h"

namespace tidemill::state {

// The same type with std::string for every std::string_view in it: in pairs, tuples, optionals,
// vectors and arrays too.
template <class T>
struct OwnedType {
    using type = T;
};
template <class T>
using Owned = typename OwnedType<T>::type;

template <>
struct OwnedType<std::string_view> {
    using type = std::string;
};
template <class A, class B>
struct OwnedType<std::pair<A, B>> {
    using type = std::pair<Owned<A>, Owned<B>>;
};
template <class... Ts>
struct OwnedType<std::tuple<Ts...>> {
    using type = std::tuple<Owned<Ts>...>;
};
template <class T>
struct OwnedType<std::optional<T>> {
    using type = std::optional<Owned<T>>;
};
template <class T>
struct OwnedType<std::vector<T>> {
    using type = std::vector<Owned<T>>;
};
template <class T, std::size_t N>
struct OwnedType<std::array<T, N>> {
    using type = std::array<Owned<T>, N>;
};

namespace owned_detail {

// A To of `from`, made part by part with convert(part, type_identity<its type>).
template <class To, class From, class Convert>
To rebuilt(From& from, Convert convert) {
    if constexpr (core::view_detail::kIsOptional<To>) {
        using Part = typename To::value_type;
        return from ? To(convert(*from, std::type_identity<Part>())) : To();
    } else if constexpr (core::view_detail::TupleLike<To>) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return To{
                convert(std::get<I>(from), std::type_identity<std::tuple_element_t<I, To>>())...};
        }
        (std::make_index_sequence<std::tuple_size_v<To>>());
    } else {
        To all;
        all.reserve(from.size());
        for (auto&& part : from)
            all.push_back(convert(part, std::type_identity<typename To::value_type>()));
        return all;
    }
}

}  // namespace owned_detail

template <class T>
Owned<T> toOwned(const T& element) {
    if constexpr (std::is_same_v<T, Owned<T>>) {
        return element;
    } else if constexpr (std::is_same_v<T, std::string_view>) {
        return std::string(element);
    } else {
        return owned_detail::rebuilt<Owned<T>>(
            element, [](const auto& part, auto) { return toOwned(part); });
    }
}

// About how much memory an element that owns its bytes holds beside its own.
template <class T>
std::size_t heldBytes(const T& element) {
    if constexpr (std::is_same_v<T, std::string>) {
        return element.capacity() < sizeof(std::string) / 2 ? 0 : element.capacity() + 1;
    } else if constexpr (core::view_detail::kIsOptional<T>) {
        return element ? heldBytes(*element) : 0;
    } else if constexpr (core::view_detail::TupleLike<T>) {
        return std::apply(
            [](const auto&... parts) { return (std::size_t{0} + ... + heldBytes(parts)); },
            element);
    } else if constexpr (std::ranges::sized_range<const T>) {
        std::size_t bytes = 0;
        for (const auto& part : element) bytes += sizeof part + heldBytes(part);
        return bytes;
    } else if constexpr (!std::is_trivially_copyable_v<T> && core::StorableValue<T>) {
        std::string bytes;
        core::ValueCodec<T>::encode(element, bytes);
        return bytes.size();
    } else {
        return 0;
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
        return owned_detail::rebuilt<T>(
            owned, [&]<class Part>(Owned<Part>& part, std::type_identity<Part>) {
                return fromOwned<Part>(std::move(part), arena);
            });
    }
}

}  // namespace tidemill::state
