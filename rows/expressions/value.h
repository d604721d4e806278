// A constant of an expression.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "rows/type.h"

namespace tidemill::rows::expressions {

struct Value {
    Type type = Type::kText;
    bool isNull = true;
    std::int64_t number = 0;  // of int, bool and time
    double real = 0;          // of float
    std::string text;         // of text and json

    static Value null(Type type) { return {type, true, 0, 0, {}}; }

    template <Type t>
    Held<t> as() const {
        if constexpr (isTextual(t)) return text;
        else if constexpr (t == Type::kFloat) return real;
        else return static_cast<Held<t>>(number);
    }
};

// Calls f(std::integral_constant<Type, type>).
template <class F>
decltype(auto) withType(Type type, F&& f) {
    switch (type) {
        case Type::kInt: return f(std::integral_constant<Type, Type::kInt>());
        case Type::kFloat: return f(std::integral_constant<Type, Type::kFloat>());
        case Type::kBool: return f(std::integral_constant<Type, Type::kBool>());
        case Type::kTime: return f(std::integral_constant<Type, Type::kTime>());
        case Type::kJson: return f(std::integral_constant<Type, Type::kJson>());
        case Type::kText: break;
    }
    return f(std::integral_constant<Type, Type::kText>());
}

}  // namespace tidemill::rows::expressions
