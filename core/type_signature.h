// Names of types in the signatures of state tables and of queues, and so in a job's fingerprint:
// state written under one name is not read under another. Names of standard types are ours and
// stay; that of a class or an enum is its C++ name as the compiler's ABI library demangles it.
#pragma once

#include <cxxabi.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tidemill::core {

// i64, f64, string, pair<string,i64>, optional<u32>, …; of a type that only Cereal knows,
// "cereal:" and its C++ name.
template <class T>
std::string typeSignature();

namespace signature_detail {

template <class... Ts>
std::string listOf(std::string_view name) {
    std::string out(name);
    out += '<';
    bool first = true;
    ((out += std::exchange(first, false) ? "" : ",", out += typeSignature<Ts>()), ...);
    return out + '>';
}

// Scalars, and everything that has no better name.
template <class T>
struct Name {
    static std::string get() {
        const auto bits = std::to_string(8 * sizeof(T));
        if constexpr (std::is_same_v<T, bool>) {
            return "bool";
        } else if constexpr (std::is_enum_v<T>) {
            return "enum:" + cxxName() + ":" + Name<std::underlying_type_t<T>>::get();
        } else if constexpr (std::is_integral_v<T>) {
            return (std::is_signed_v<T> ? "i" : "u") + bits;
        } else if constexpr (std::is_floating_point_v<T>) {
            return "f" + bits;
        } else {
            return "cereal:" + cxxName();
        }
    }
    static std::string cxxName() {
        const std::unique_ptr<char, void (*)(void*)> readable(
            abi::__cxa_demangle(typeid(T).name(), nullptr, nullptr, nullptr), std::free);
        return readable ? readable.get() : typeid(T).name();
    }
};
template <>
struct Name<std::string> {
    static std::string get() { return "string"; }
};
template <>
struct Name<std::string_view> : Name<std::string> {};
template <class A, class B>
struct Name<std::pair<A, B>> {
    static std::string get() { return listOf<A, B>("pair"); }
};
template <class... Ts>
struct Name<std::tuple<Ts...>> {
    static std::string get() { return listOf<Ts...>("tuple"); }
};
template <class T>
struct Name<std::optional<T>> {
    static std::string get() { return listOf<T>("optional"); }
};
template <class T>
struct Name<std::vector<T>> {
    static std::string get() { return listOf<T>("vector"); }
};
template <class T, std::size_t N>
struct Name<std::array<T, N>> {
    static std::string get() { return listOf<T>("array" + std::to_string(N)); }
};
template <class K, class V>
struct Name<std::map<K, V>> {
    static std::string get() { return listOf<K, V>("map"); }
};
template <class T>
struct Name<std::set<T>> {
    static std::string get() { return listOf<T>("set"); }
};

// Containers whose order of elements is not part of their value anywhere inside T, as far as the
// type tells; inside users' structs the archive finds them.
template <class T>
inline constexpr bool kUnordered = false;
template <class... Ts>
inline constexpr bool kUnordered<std::unordered_map<Ts...>> = true;
template <class... Ts>
inline constexpr bool kUnordered<std::unordered_multimap<Ts...>> = true;
template <class... Ts>
inline constexpr bool kUnordered<std::unordered_set<Ts...>> = true;
template <class... Ts>
inline constexpr bool kUnordered<std::unordered_multiset<Ts...>> = true;

template <class T>
inline constexpr bool kHoldsUnordered = kUnordered<T>;
template <class A, class B>
inline constexpr bool kHoldsUnordered<std::pair<A, B>> = kHoldsUnordered<A> || kHoldsUnordered<B>;
template <class... Ts>
inline constexpr bool kHoldsUnordered<std::tuple<Ts...>> = (kHoldsUnordered<Ts> || ...);
template <class T>
inline constexpr bool kHoldsUnordered<std::optional<T>> = kHoldsUnordered<T>;
template <class T, class... Rest>
inline constexpr bool kHoldsUnordered<std::vector<T, Rest...>> = kHoldsUnordered<T>;
template <class T, std::size_t N>
inline constexpr bool kHoldsUnordered<std::array<T, N>> = kHoldsUnordered<T>;
template <class T, class... Rest>
inline constexpr bool kHoldsUnordered<std::deque<T, Rest...>> = kHoldsUnordered<T>;
template <class T, class... Rest>
inline constexpr bool kHoldsUnordered<std::list<T, Rest...>> = kHoldsUnordered<T>;
template <class K, class V, class... Rest>
inline constexpr bool kHoldsUnordered<std::map<K, V, Rest...>> =
    kHoldsUnordered<K> || kHoldsUnordered<V>;

}  // namespace signature_detail

template <class T>
std::string typeSignature() {
    return signature_detail::Name<std::remove_cv_t<T>>::get();
}

}  // namespace tidemill::core
