// What kind of JSON value a token is.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include "rows/readers/cut_record.h"

namespace tidemill::rows {

enum class JsonKind { kString, kNumber, kBool, kNothing, kContainer };

// A number like 17 or 0.25, found without going over its digits one by one, whose count processors
// predict badly; false also for numbers of other forms. At least 16 bytes are at `token`.
inline bool isPlainNumber(std::string_view token) {
    if (token.size() > 16) return false;
    const std::uint32_t size = static_cast<std::uint32_t>(token.size());
    const std::uint32_t others = ~ByteMask(token.data()).ofDigits() & ((1U << size) - 1);
    const bool hasFirstDigit =
        (others & 1) == 0 && (token[0] != '0' || size == 1 || token[1] == '.');
    if (others == 0) return hasFirstDigit;
    const auto point = static_cast<std::uint32_t>(std::countr_zero(others));
    return hasFirstDigit && (others & (others - 1)) == 0 && token[point] == '.' &&
           point + 1 != size;
}

// Kind of a token that is no string and no container; nothing: it is none.
inline std::optional<JsonKind> scalarKind(std::string_view token) {
    switch (token.front()) {
        case 't': return token == "true" ? std::optional(JsonKind::kBool) : std::nullopt;
        case 'f': return token == "false" ? std::optional(JsonKind::kBool) : std::nullopt;
        case 'n': return token == "null" ? std::optional(JsonKind::kNothing) : std::nullopt;
        default: break;
    }
    const char* at = token.data();
    const char* const end = at + token.size();
    const auto digits = [&] {
        const char* const begin = at;
        while (at != end && *at >= '0' && *at <= '9') ++at;
        return at != begin;
    };
    if (*at == '-') ++at;
    if (at != end && *at == '0') {
        ++at;
    } else if (!digits()) {
        return std::nullopt;
    }
    if (at != end && *at == '.') {
        ++at;
        if (!digits()) return std::nullopt;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at != end && (*at == '+' || *at == '-')) ++at;
        if (!digits()) return std::nullopt;
    }
    return at == end ? std::optional(JsonKind::kNumber) : std::nullopt;
}

}  // namespace tidemill::rows
