#include "rows/parse_value.h"

#include <charconv>
#include <limits>
#include <system_error>

namespace tidemill::rows {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `word` is in lower case.
bool isInAnyCase(std::string_view text, std::string_view word) {
    if (text.size() != word.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (lower(text[i]) != word[i]) return false;
    return true;
}

bool begins(std::string_view word, std::string_view text) {
    return text.size() <= word.size() && isInAnyCase(text, word.substr(0, text.size()));
}

}  // namespace

namespace parse_detail {

Parsed parseLongInt(std::string_view text, bool negative, std::int64_t& value) {
    if (text.empty()) return Parsed::kNoValue;
    const std::uint64_t limit =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
    std::uint64_t magnitude = 0;
    bool fits = true;
    for (const char c : text) {
        const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
        if (digit > 9) return Parsed::kNoValue;
        if (magnitude > (limit - digit) / 10) fits = false;
        magnitude = fits ? magnitude * 10 + digit : 0;
    }
    if (!fits) return Parsed::kOutOfRange;
    value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
    return Parsed::kValue;
}

Parsed parseAnyFloat(std::string_view text, double& value) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty()) return Parsed::kNoValue;
    double size = 0;
    if ((text[0] >= '0' && text[0] <= '9') || text[0] == '.') {
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, size);
        if (read.ec == std::errc::invalid_argument || read.ptr != end) return Parsed::kNoValue;
        if (read.ec != std::errc()) return Parsed::kOutOfRange;
    } else if (isInAnyCase(text, "inf") || isInAnyCase(text, "infinity")) {
        size = std::numeric_limits<double>::infinity();
    } else if (isInAnyCase(text, "nan")) {
        size = std::numeric_limits<double>::quiet_NaN();
    } else {
        return Parsed::kNoValue;
    }
    value = negative ? -size : size;
    return Parsed::kValue;
}

}  // namespace parse_detail

Parsed parseBool(std::string_view text, std::uint8_t& value) {
    if (text.empty()) return Parsed::kNoValue;
    const bool isFirstEnough = !isInAnyCase(text, "o");
    if (text == "1" || begins("true", text) || begins("yes", text) ||
        (isFirstEnough && begins("on", text))) {
        value = 1;
        return Parsed::kValue;
    }
    if (text == "0" || begins("false", text) || begins("no", text) ||
        (isFirstEnough && begins("off", text))) {
        value = 0;
        return Parsed::kValue;
    }
    return Parsed::kNoValue;
}

}  // namespace tidemill::rows
