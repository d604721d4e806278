// Texts to values: what readers take out of fields and what casts of text do. No blanks are skipped
// and nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidemill::rows {

enum class Parsed : std::uint8_t {
    kValue,
    kNoValue,     // the text is none of the type; the value is not set
    kOutOfRange,  // it is one that the type does not hold; the value is not set
};

namespace parse_detail {
// Digits that may be too many; `text` is what follows the sign.
Parsed parseLongInt(std::string_view text, bool negative, std::int64_t& value);
Parsed parseAnyFloat(std::string_view text, double& value);
}  // namespace parse_detail

// Digits with a sign or without: "-12", "+7", "007".
inline Parsed parseInt(std::string_view text, std::int64_t& value) {
    const char* at = text.data();
    const char* const end = at + text.size();
    if (at == end) return Parsed::kNoValue;
    const bool negative = *at == '-';
    if (negative || *at == '+') ++at;
    const auto digits = static_cast<std::size_t>(end - at);
    // One comparison: none, or more than always fit.
    if (digits - 1 >= 18) [[unlikely]]
        return parse_detail::parseLongInt({at, digits}, negative, value);
    std::int64_t magnitude = 0;
    for (; at != end; ++at) {
        const unsigned digit = static_cast<unsigned char>(*at) - unsigned{'0'};
        if (digit > 9) return Parsed::kNoValue;
        magnitude = magnitude * 10 + digit;
    }
    value = negative ? -magnitude : magnitude;
    return Parsed::kValue;
}

// Decimal, with an exponent or without: "1", "-.5", "1.", "2e-3"; "inf", "infinity" and "nan" in
// any case, with a sign or without. Rounded to nearest; kOutOfRange when that would be infinite, or
// zero for a number that is not.
inline Parsed parseFloat(std::string_view text, double& value) {
    // Up to 15 digits and a point somewhere: both parts are exact, so one division rounds right.
    constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char* at = text.data();
    const char* const end = at + text.size();
    if (text.size() - 1 >= 16) return parse_detail::parseAnyFloat(text, value);
    const bool negative = *at == '-';
    if (negative) ++at;
    std::int64_t digits = 0;
    std::ptrdiff_t digitCount = 0;
    const char* point = nullptr;
    for (; at != end; ++at) {
        const unsigned digit = static_cast<unsigned char>(*at) - unsigned{'0'};
        if (digit > 9) {
            if (*at != '.' || point != nullptr) return parse_detail::parseAnyFloat(text, value);
            point = at;
            continue;
        }
        digits = digits * 10 + digit;
        ++digitCount;
    }
    if (digitCount - 1 >= 15 || digitCount == 0) return parse_detail::parseAnyFloat(text, value);
    const auto magnitude = static_cast<double>(digits);
    const double size = point == nullptr ? magnitude : magnitude / kPowers[end - point - 1];
    value = negative ? -size : size;
    return Parsed::kValue;
}

// As PostgreSQL: true, yes, on, 1, false, no, off, 0 and their beginnings ("t", "fal", not "o") in
// any case.
Parsed parseBool(std::string_view text, std::uint8_t& value);

// ISO 8601 in UTC or with an offset: "2024-02-29", "2024-02-29T12:30", "2024-02-29
// 12:30:59.123456Z", "20240229T123059+0200". Without an offset it is UTC; digits behind the
// microseconds are cut off; second 60 is the next minute's 0, 24:00 the next day's. Years from
// -290307
// to 294246, with a sign or more than four digits only where "-" separates.
Parsed parseTime(std::string_view text, std::int64_t& micros);

// Exactly one JSON value (RFC 8259) with blanks around it or without: UTF-8, at most
// kJsonDepthMax arrays and objects in each other.
inline constexpr std::size_t kJsonDepthMax = 1024;
bool isJson(std::string_view text);

}  // namespace tidemill::rows
