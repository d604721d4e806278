// The types of an aggregate's fields, as far as the language lets them be seen.
#pragma once

#include <type_traits>
#include <utility>

namespace tidemill::core {

template <class... Ts>
struct Types {};

inline constexpr int kFieldsMax = 16;

namespace fields_detail {

// Whether T can be made of N empty braces: of exactly one for each of its elements, or of fewer.
template <class T, int N>
consteval bool madeOf() {
#define TM_FIELDS(n, ...)                   \
    if constexpr (N == n) return requires { \
            T{__VA_ARGS__};                 \
        };
    // clang-format off
    TM_FIELDS(1, {})
    TM_FIELDS(2, {}, {})
    TM_FIELDS(3, {}, {}, {})
    TM_FIELDS(4, {}, {}, {}, {})
    TM_FIELDS(5, {}, {}, {}, {}, {})
    TM_FIELDS(6, {}, {}, {}, {}, {}, {})
    TM_FIELDS(7, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(8, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(9, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(10, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(11, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(12, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(13, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(14, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(15, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(16, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    TM_FIELDS(17, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    // clang-format on
#undef TM_FIELDS
}

// The number of elements; 0 when it cannot be told.
template <class T, int N = kFieldsMax + 1>
consteval int count() {
    if constexpr (N == 0) return 0;
    else if constexpr (!madeOf<T, N>()) return count<T, N - 1>();
    else return N > kFieldsMax ? 0 : N;
}

// Becomes a base of T and nothing else.
template <class T>
struct AnyBase {
    template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base() const;
};
template <class T>
inline constexpr bool kHasBase = requires {
    T{AnyBase<T>{}};
};

}  // namespace fields_detail

// An aggregate of 1 … 16 fields, all in the class itself, that can be made of nothing and assigned
// (so that none is a reference).
template <class T>
concept HasFields = std::is_class_v<T> && std::is_aggregate_v<T> && std::is_move_assignable_v<T> &&
                    !fields_detail::kHasBase<T> &&
                    fields_detail::count<T>() != 0;

// Calls f(field…) with references to the fields of `value`, which may be const.
template <class T, class F>
constexpr decltype(auto) withFields(T& value, F&& f) {
    constexpr int kCount = fields_detail::count<std::remove_const_t<T>>();
#define TM_FIELDS(n, ...)                       \
    if constexpr (kCount == n) {                \
        auto& [__VA_ARGS__] = value;            \
        return std::forward<F>(f)(__VA_ARGS__); \
    }
    // clang-format off
    TM_FIELDS(1, a)
    TM_FIELDS(2, a, b)
    TM_FIELDS(3, a, b, c)
    TM_FIELDS(4, a, b, c, d)
    TM_FIELDS(5, a, b, c, d, e)
    TM_FIELDS(6, a, b, c, d, e, g)
    TM_FIELDS(7, a, b, c, d, e, g, h)
    TM_FIELDS(8, a, b, c, d, e, g, h, i)
    TM_FIELDS(9, a, b, c, d, e, g, h, i, j)
    TM_FIELDS(10, a, b, c, d, e, g, h, i, j, k)
    TM_FIELDS(11, a, b, c, d, e, g, h, i, j, k, l)
    TM_FIELDS(12, a, b, c, d, e, g, h, i, j, k, l, m)
    TM_FIELDS(13, a, b, c, d, e, g, h, i, j, k, l, m, n)
    TM_FIELDS(14, a, b, c, d, e, g, h, i, j, k, l, m, n, o)
    TM_FIELDS(15, a, b, c, d, e, g, h, i, j, k, l, m, n, o, p)
    TM_FIELDS(16, a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q)
    // clang-format on
#undef TM_FIELDS
}

}  // namespace tidemill::core
