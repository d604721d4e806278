// The types of columns.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemill::rows {

// How a value of each is held in a column's array is said at `Held`.
enum class Type : std::uint8_t {
    kInt = 0,    // 64 bits, exact: a result that does not fit is an error of the record
    kFloat = 1,  // 64 bits, IEEE 754; NaN orders after all numbers
    kBool = 2,
    kText = 3,  // bytes, UTF-8 or not
    kTime = 4,  // UTC, microseconds since 1970-01-01
    kJson = 5,  // the text of one valid JSON value; compared and grouped by its bytes
};
inline constexpr std::uint8_t kTypes = 6;

// "int", "float", "bool", "text", "time", "json": the names of job files, `--check` and `state`.
const char* toString(Type type);

// The C++ type of a column's array.
template <Type type>
struct HeldAs;
template <>
struct HeldAs<Type::kInt> {
    using type = std::int64_t;
};
template <>
struct HeldAs<Type::kFloat> {
    using type = double;
};
template <>
struct HeldAs<Type::kBool> {
    using type = std::uint8_t;
};  // 0 or 1
template <>
struct HeldAs<Type::kText> {
    using type = std::string_view;
};
template <>
struct HeldAs<Type::kTime> {
    using type = std::int64_t;
};
template <>
struct HeldAs<Type::kJson> {
    using type = std::string_view;
};
template <Type type>
using Held = typename HeldAs<type>::type;

inline constexpr bool isTextual(Type type) { return type == Type::kText || type == Type::kJson; }

// Bytes of one element of a column's array.
inline constexpr std::uint8_t heldBytes(Type type) {
    return isTextual(type) ? sizeof(std::string_view) : type == Type::kBool ? 1 : 8;
}

}  // namespace tidemill::rows
