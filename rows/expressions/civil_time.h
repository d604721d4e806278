// Times as days and hours of the calendar, in UTC.
#pragma once

#include <cstdint>

#include "rows/calendar.h"

namespace tidemill::rows::expressions {

struct CivilTime {
    std::int64_t year = 1970;  // 0 is the year before 1
    unsigned month = 1;
    unsigned day = 1;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    unsigned micros = 0;
    std::int64_t days = 0;  // since 1970-01-01
};

// Rounded down, also of negative numbers.
constexpr std::int64_t floorDivide(std::int64_t a, std::int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

constexpr CivilTime civilTimeOf(std::int64_t micros) {
    CivilTime time;
    time.days = floorDivide(micros, kMicrosPerDay);
    // In two steps: the product of days may not fit where the time does.
    std::int64_t rest = micros % kMicrosPerDay;
    if (rest < 0) rest += kMicrosPerDay;
    const CivilDay day = civilDayOf(time.days);
    time.year = day.year;
    time.month = day.month;
    time.day = day.day;
    time.micros = static_cast<unsigned>(rest % kMicrosPerSecond);
    const auto seconds = static_cast<unsigned>(rest / kMicrosPerSecond);
    time.hour = seconds / 3600;
    time.minute = seconds / 60 % 60;
    time.second = seconds % 60;
    return time;
}

// 0: Sunday.
constexpr unsigned weekdayOf(std::int64_t days) {
    const std::int64_t weekday = (days + 4) % 7;
    return static_cast<unsigned>(weekday < 0 ? weekday + 7 : weekday);
}

constexpr unsigned dayOfYear(const CivilTime& time) {
    return static_cast<unsigned>(time.days - daysOf(time.year, 1, 1)) + 1;
}

struct IsoWeek {
    std::int64_t year;
    unsigned week;  // 1 ... 53
};
constexpr IsoWeek isoWeekOf(std::int64_t days) {
    // The week belongs to the year that its Thursday is in.
    const std::int64_t thursday = days - (weekdayOf(days) + 6) % 7 + 3;
    const std::int64_t year = civilDayOf(thursday).year;
    return {year, static_cast<unsigned>((thursday - daysOf(year, 1, 1)) / 7) + 1};
}

}  // namespace tidemill::rows::expressions
