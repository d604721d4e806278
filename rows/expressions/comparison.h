// Comparisons of two values of one type, and what of them takes nulls for values.
#pragma once

#include <cmath>
#include <string_view>

#include "rows/expressions/eval.h"

namespace tidemill::rows::expressions {

enum class Comparison : std::uint8_t {
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual
};

// "=" of kEqual; "" of none.
std::string_view symbolOf(Comparison comparison);

MakeEval comparisonOf(Comparison comparison, Type type);
// a is distinct from b: two nulls are not.
MakeEval distinctionOf(Type type);
// The greatest or the least of the arguments that are not null.
MakeEval extremeOf(bool greatest, Type type);

// The order of values; NaN is after all numbers and equal to itself.
template <Type type>
bool isLess(Held<type> a, Held<type> b) {
    if constexpr (type == Type::kFloat) return a < b || (a == a && b != b);
    else return a < b;
}
template <Type type>
bool isEqual(Held<type> a, Held<type> b) {
    if constexpr (type == Type::kFloat) return a == b || (a != a && b != b);
    else return a == b;
}

}  // namespace tidemill::rows::expressions
