// What texts of times are made of, and how it becomes microseconds.
#pragma once

#include <cstdint>

#include "rows/calendar.h"
#include "rows/parse_value.h"

namespace tidemill::rows {

// Reads up to `most` digits as one number; answers how many there were.
inline int readDigits(const char*& at, const char* end, int most, std::int64_t& number) {
    int count = 0;
    number = 0;
    for (; count < most && at != end; ++count, ++at) {
        const unsigned digit = static_cast<unsigned char>(*at) - unsigned{'0'};
        if (digit > 9) break;
        number = number * 10 + digit;
    }
    return count;
}

// Microseconds of 1 or more digits behind a point; what is behind the sixth is cut off.
inline bool readFraction(const char*& at, const char* end, std::int64_t& micros) {
    int count = readDigits(at, end, 6, micros);
    if (count == 0) return false;
    for (; count < 6; ++count) micros *= 10;
    while (at != end && *at >= '0' && *at <= '9') ++at;
    return true;
}

// "Z", "+01", "+01:30", "-0130".
inline bool readOffset(const char*& at, const char* end, std::int64_t& seconds) {
    if (at == end) return false;
    const char sign = *at++;
    if (sign == 'Z' || sign == 'z') {
        seconds = 0;
        return true;
    }
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    if ((sign != '+' && sign != '-') || readDigits(at, end, 2, hours) != 2) return false;
    const char* rest = at;
    if (rest != end && *rest == ':') ++rest;
    if (const int count = readDigits(rest, end, 2, minutes); count == 2) {
        at = rest;
    } else if (count == 1 || rest != at) {
        return false;
    }
    if (hours > 15 || minutes > 59) return false;
    seconds = hours * 3600 + minutes * 60;
    if (sign == '-') seconds = -seconds;
    return true;
}

struct TimeFields {
    std::int64_t year = 1970;
    std::int64_t month = 1;
    std::int64_t day = 1;
    std::int64_t hour = 0;
    std::int64_t minute = 0;
    std::int64_t second = 0;  // also 60
    std::int64_t micros = 0;
    std::int64_t offsetSeconds = 0;
};

// kNoValue when there is no such day or time, kOutOfRange when there is no such year.
inline Parsed microsOf(const TimeFields& fields, std::int64_t& micros) {
    if (fields.month < 1 || fields.month > 12 || fields.day < 1 || fields.minute > 59 ||
        fields.second > 60)
        return Parsed::kNoValue;
    if (fields.hour > 23 &&
        (fields.hour != 24 || fields.minute + fields.second + fields.micros != 0))
        return Parsed::kNoValue;
    if (fields.year < kYearMin || fields.year > kYearMax) return Parsed::kOutOfRange;
    const auto month = static_cast<unsigned>(fields.month);
    if (fields.day > daysOfMonth(fields.year, month)) return Parsed::kNoValue;
    const std::int64_t seconds =
        daysOf(fields.year, month, static_cast<unsigned>(fields.day)) * 86'400 +
        fields.hour * 3600 + fields.minute * 60 + fields.second - fields.offsetSeconds;
    micros = seconds * kMicrosPerSecond + fields.micros;
    return Parsed::kValue;
}

}  // namespace tidemill::rows
