// Elements as text, as Spark prints them: pairs and tuples (a,b), text as it is, missing values
// None. Bytes that are no printable UTF-8 are shown as \xNN, so that no record can drive a
// terminal.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <ostream>
#include <ranges>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tidemill::core {

// Length of the well-formed UTF-8 sequence that `bytes` (not empty) begin with; 0: none.
// Unicode 15, table 3-7.
std::size_t utf8SequenceLength(std::string_view bytes);

// Appends `bytes` with everything but printable UTF-8 escaped.
void appendPrintable(std::string& out, std::string_view bytes);

template <class T>
void appendElement(std::string& out, const T& element);

namespace format_detail {

template <class T>
inline constexpr bool isOptional = false;
template <class T>
inline constexpr bool isOptional<std::optional<T>> = true;

template <class T>
concept TupleLike = requires {
    std::tuple_size<T>::value;
};

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
    out << value;
};

template <class T>
constexpr bool printable() {
    if constexpr (std::is_arithmetic_v<T> || std::convertible_to<const T&, std::string_view>) {
        return true;
    } else if constexpr (isOptional<T>) {
        return printable<typename T::value_type>();
    } else if constexpr (std::ranges::range<T>) {
        return printable<std::ranges::range_value_t<T>>();
    } else if constexpr (TupleLike<T>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (printable<std::decay_t<std::tuple_element_t<I, T>>>() && ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>());
    } else {
        return Streamable<T>;
    }
}

}  // namespace format_detail

// Whether appendElement knows how to show a T.
template <class T>
concept Printable = format_detail::printable<T>();

template <class T>
void appendElement(std::string& out, const T& element) {
    using namespace format_detail;
    if constexpr (std::is_same_v<T, bool>) {
        out += element ? "true" : "false";
    } else if constexpr (std::is_same_v<T, char>) {
        appendPrintable(out, std::string_view(&element, 1));
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
        appendPrintable(out, element);
    } else if constexpr (std::is_arithmetic_v<T>) {
        char digits[64];
        const auto end = std::to_chars(digits, digits + sizeof digits, element).ptr;
        const std::string_view text(digits, static_cast<std::size_t>(end - digits));
        out += text;
        if (std::is_floating_point_v<T> && text.find_first_of(".en") == text.npos) out += ".0";
    } else if constexpr (isOptional<T>) {
        if (!element) {
            out += "None";
        } else {
            out += "Some(";
            appendElement(out, *element);
            out += ')';
        }
    } else if constexpr (std::ranges::range<T>) {
        out += '[';
        bool first = true;
        for (const auto& part : element) {
            if (!std::exchange(first, false)) out += ", ";
            appendElement(out, part);
        }
        out += ']';
    } else if constexpr (TupleLike<T>) {
        out += '(';
        std::apply(
            [&](const auto&... parts) {
                bool first = true;
                ((out += std::exchange(first, false) ? "" : ",", appendElement(out, parts)), ...);
            },
            element);
        out += ')';
    } else {
        static_assert(Streamable<T>,
                      "to print elements of this type, give it an operator<<(std::ostream&, …)");
        std::ostringstream text;
        text << element;
        appendPrintable(out, text.view());
    }
}

}  // namespace tidemill::core
