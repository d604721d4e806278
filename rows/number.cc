#include "rows/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tidemill::rows {
namespace {

// How `whole` lies to a floating point number that is finite.
std::strong_ordering compare(std::int64_t whole, double real) {
    constexpr double kBehindMost = 9223372036854775808.0;  // 2^63
    if (real >= kBehindMost) return std::strong_ordering::less;
    if (real < -kBehindMost) return std::strong_ordering::greater;
    const double floor = std::floor(real);
    const auto order = whole <=> static_cast<std::int64_t>(floor);
    if (order != 0) return order;
    return floor < real ? std::strong_ordering::less : std::strong_ordering::equal;
}

bool isWholeText(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::strong_ordering operator<=>(const Number& a, const Number& b) {
    if (a.isWhole && b.isWhole) return a.whole <=> b.whole;
    if (a.isWhole) return compare(a.whole, b.real);
    if (b.isWhole) return 0 <=> compare(b.whole, a.real);
    return a.real < b.real   ? std::strong_ordering::less
           : a.real > b.real ? std::strong_ordering::greater
                             : std::strong_ordering::equal;
}

NumberText parseNumber(std::string_view text, Number& number) {
    const char* const end = text.data() + text.size();
    number = {};
    if (const auto read = std::from_chars(text.data(), end, number.whole);
        read.ec == std::errc() && read.ptr == end)
        return NumberText::kNumber;
    number.isWhole = false;
    const auto read = std::from_chars(text.data(), end, number.real);
    if (isWholeText(text)) {
        if (read.ec != std::errc()) number.real = text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
        return NumberText::kTooLarge;
    }
    return read.ec == std::errc() && read.ptr == end && std::isfinite(number.real)
               ? NumberText::kNumber
               : NumberText::kNone;
}

std::string WideSum::digits() const {
    std::string reversed;
    auto left = isNegative() ? UnsignedWide{0} - static_cast<UnsignedWide>(sum_)
                             : static_cast<UnsignedWide>(sum_);
    do {
        reversed += static_cast<char>('0' + static_cast<int>(left % 10));
        left /= 10;
    } while (left != 0);
    if (isNegative()) reversed += '-';
    return {reversed.rbegin(), reversed.rend()};
}

}  // namespace tidemill::rows
