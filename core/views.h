// What a type tells about bytes: whether its objects may refer to bytes that are not theirs, and
// whether they own bytes that a view could point into.
//
// Elements that own their bytes (std::string) live only until the next ones are made in their
// place. So a function that makes views of such elements gets elements that the batch keeps
// (core/kept.h), and where that is not possible it does not compile.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/fields.h"

namespace tidemill {

// Of a class whose members cannot be seen (it has private ones, a constructor, a base) it is not
// known whether its objects hold views. Of one that refers to no bytes but its own, say so:
//   template <> inline constexpr bool tidemill::kOwnsItsBytes<Order> = true;
template <class T>
inline constexpr bool kOwnsItsBytes = false;

namespace core {
namespace view_detail {

template <class T>
inline constexpr bool kIsTextView = false;
template <class C, class Traits>
inline constexpr bool kIsTextView<std::basic_string_view<C, Traits>> = true;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
inline constexpr bool kIsVariant = false;
template <class... Ts>
inline constexpr bool kIsVariant<std::variant<Ts...>> = true;

template <class T>
inline constexpr bool kIsChar =
    std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char8_t> ||
    std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

// Views of another kind than text: spans, pointers to objects, references, lazy ranges.
template <class T>
consteval bool isOtherView() {
    if constexpr (std::is_reference_v<T>) return true;
    else if constexpr (std::is_pointer_v<T>) return !std::is_function_v<std::remove_pointer_t<T>>;
    else if constexpr (std::is_class_v<T> && !kIsTextView<T>) return std::ranges::enable_view<T>;
    else return false;
}

template <class T>
concept TupleLike = requires {
    std::tuple_size<T>::value;
};
template <class T>
concept Container = requires {
    typename T::value_type;
    typename T::allocator_type;
};
template <class T>
concept SmartPointer = requires(const T& pointer) {
    typename T::element_type;
    *pointer;
};
template <class T>
concept PointOrSpanOfTime = requires {
    typename T::rep;
    typename T::period;
};

// Owns what it holds, which nobody looks at.
struct Owner {};
// A class whose members cannot be seen.
struct Opaque {};

// Types<what a T is made of>, Owner or Opaque.
template <class T>
consteval auto partsOf() {
    if constexpr (!(std::is_class_v<T> || std::is_union_v<T> || std::is_array_v<T>) ||
                  kIsTextView<T> || isOtherView<T>()) {
        return Types<>();
    } else if constexpr (kOwnsItsBytes<T>) {
        return Owner();
    } else if constexpr (std::is_array_v<T>) {
        return Types<std::remove_all_extents_t<T>>();
    } else if constexpr (kIsOptional<T>) {
        return Types<typename T::value_type>();
    } else if constexpr (TupleLike<T>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return Types<std::tuple_element_t<I, T>...>();
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else if constexpr (kIsVariant<T>) {
        return []<class... Ts>(std::type_identity<std::variant<Ts...>>) {
            return Types<Ts...>();
        }(std::type_identity<T>());
    } else if constexpr (Container<T>) {
        return Types<typename T::value_type>();
    } else if constexpr (SmartPointer<T>) {
        return Owner();
    } else if constexpr (PointOrSpanOfTime<T> || std::is_empty_v<T>) {
        return Types<>();
    } else if constexpr (HasFields<T>) {
        return decltype(withFields(std::declval<T&>(), [](auto&... fields) {
            return Types<std::remove_cvref_t<decltype(fields)>...>();
        }))();
    } else {
        return Opaque();
    }
}
template <class T>
using PartsOf = decltype(partsOf<T>());

// Whether Is<X>::value holds for T or for something that T is made of. `Seen`: types that T is a
// part of.
template <template <class> class Is, class T, class... Seen>
consteval bool anyPart() {
    using X = std::remove_cv_t<T>;
    if constexpr ((std::is_same_v<X, Seen> || ...)) {
        return false;
    } else if constexpr (Is<X>::value) {
        return true;
    } else {
        return []<class... Ts>(Types<Ts...>) { return (anyPart<Is, Ts, X, Seen...>() || ...); }([] {
            if constexpr (std::is_same_v<PartsOf<X>, Owner> || std::is_same_v<PartsOf<X>, Opaque>)
                return Types<>();
            else return PartsOf<X>();
        }());
    }
}

template <class T>
struct IsTextView : std::bool_constant<kIsTextView<T>> {};
template <class T>
struct IsOtherView : std::bool_constant<isOtherView<T>()> {};
template <class T>
struct IsOpaque : std::is_same<PartsOf<T>, Opaque> {};
template <class T>
struct OwnsUnseen
    : std::bool_constant<std::is_same_v<PartsOf<T>, Owner> || std::is_same_v<PartsOf<T>, Opaque>> {
};
template <class T>
struct IsTextOwner : std::bool_constant<kIsChar<T> || OwnsUnseen<T>::value> {};
template <class T>
struct IsOwner : std::bool_constant<kIsChar<T> || OwnsUnseen<T>::value || std::is_array_v<T> ||
                                    (Container<T> && !isOtherView<T>())> {};

template <class Whole>
struct OpaqueBeside {
    template <class T>
    struct IsPart {
        template <class X>
        struct Same : std::is_same<X, T> {};
        static constexpr bool value = anyPart<Same, Whole>();
    };
    template <class T>
    struct Is : std::bool_constant<IsOpaque<T>::value && !IsPart<T>::value> {};
};

}  // namespace view_detail

// Text views anywhere in T; other views (spans, pointers).
template <class T>
inline constexpr bool kHoldsTextViews = view_detail::anyPart<view_detail::IsTextView, T>();
template <class T>
inline constexpr bool kHoldsOtherViews = view_detail::anyPart<view_detail::IsOtherView, T>();
template <class T>
inline constexpr bool kHoldsViews = kHoldsTextViews<T> || kHoldsOtherViews<T>;
// Classes in T whose members cannot be seen.
template <class T>
inline constexpr bool kHoldsOpaque = view_detail::anyPart<view_detail::IsOpaque, T>();
template <class T>
inline constexpr bool kMayHoldViews = kHoldsViews<T> || kHoldsOpaque<T>;

// Memory inside a T, or owned by it, that text views can point into; that any view can.
template <class T>
inline constexpr bool kOwnsText = view_detail::anyPart<view_detail::IsTextOwner, T>();
template <class T>
inline constexpr bool kOwnsMemory = view_detail::anyPart<view_detail::IsOwner, T>();

// Whether an Out that was made of an In may point into memory of that In. Classes that are part of
// both are copies.
template <class Out, class In>
inline constexpr bool kMayPointInto =
    (kHoldsTextViews<Out> && kOwnsText<In>) ||
    ((kHoldsOtherViews<Out> ||
      view_detail::anyPart<view_detail::OpaqueBeside<In>::template Is, Out>()) &&
     kOwnsMemory<In>);

}  // namespace core
}  // namespace tidemill
