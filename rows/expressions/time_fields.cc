#include "rows/expressions/time_fields.h"

#include <array>
#include <string>
#include <vector>

#include "core/suggestion.h"
#include "rows/expressions/civil_time.h"

namespace tidemill::rows::expressions {
namespace {

struct Name {
    std::string_view name;
    TimeField field;
};

constexpr auto kNames = std::to_array<Name>({
    {"microseconds", TimeField::kMicroseconds},
    {"milliseconds", TimeField::kMilliseconds},
    {"second", TimeField::kSecond},
    {"minute", TimeField::kMinute},
    {"hour", TimeField::kHour},
    {"day", TimeField::kDay},
    {"week", TimeField::kWeek},
    {"month", TimeField::kMonth},
    {"quarter", TimeField::kQuarter},
    {"year", TimeField::kYear},
    {"decade", TimeField::kDecade},
    {"century", TimeField::kCentury},
    {"millennium", TimeField::kMillennium},
    {"dow", TimeField::kDow},
    {"isodow", TimeField::kIsoDow},
    {"doy", TimeField::kDoy},
    {"isoyear", TimeField::kIsoYear},
    {"epoch", TimeField::kEpoch},
    {"timezone", TimeField::kTimezone},
});

// Years as the calendar counts them here, 0 before 1, to the first of so many years.
std::int64_t firstYear(TimeField field, std::int64_t year) {
    switch (field) {
        case TimeField::kDecade: return floorDivide(year, 10) * 10;
        case TimeField::kCentury: return floorDivide(year - 1, 100) * 100 + 1;
        case TimeField::kMillennium: return floorDivide(year - 1, 1000) * 1000 + 1;
        default: return year;
    }
}

// There is no year 0 for people: 0 is 1 before Christ, written -1.
double shownYear(std::int64_t year) { return static_cast<double>(year > 0 ? year : year - 1); }

// Centuries and millennia likewise.
double shownAge(std::int64_t year, std::int64_t years) {
    return static_cast<double>(year > 0 ? (year + years - 1) / years
                                        : -((years - 1 - (year - 1)) / years));
}

}  // namespace

core::Result<TimeField> timeFieldNamed(std::string_view name, bool forExtract) {
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::vector<std::string> known;
    for (const Name& one : kNames) {
        if (!forExtract && one.field >= TimeField::kDow) break;
        if (one.name == lower ||
            (!one.name.ends_with('s') && std::string(one.name) + "s" == lower) ||
            (one.name.ends_with("seconds") && one.name.substr(0, one.name.size() - 1) == lower))
            return one.field;
        known.emplace_back(one.name);
    }
    return core::fail(core::ErrorKind::kInvalid, "there is no part \"" + std::string(name) +
                                                     "\" of a time" +
                                                     core::suggestion(lower, known));
}

std::int64_t truncated(TimeField field, std::int64_t micros) {
    const auto to = [&](std::int64_t unit) { return floorDivide(micros, unit) * unit; };
    const auto days = [](std::int64_t count) { return count * kMicrosPerDay; };
    switch (field) {
        case TimeField::kMicroseconds: return micros;
        case TimeField::kMilliseconds: return to(1000);
        case TimeField::kSecond: return to(kMicrosPerSecond);
        case TimeField::kMinute: return to(60 * kMicrosPerSecond);
        case TimeField::kHour: return to(3600 * kMicrosPerSecond);
        case TimeField::kDay: return to(kMicrosPerDay);
        default: break;
    }
    const CivilTime time = civilTimeOf(micros);
    if (field == TimeField::kWeek) return days(time.days - (weekdayOf(time.days) + 6) % 7);
    if (field == TimeField::kMonth) return days(daysOf(time.year, time.month, 1));
    if (field == TimeField::kQuarter)
        return days(daysOf(time.year, (time.month - 1) / 3 * 3 + 1, 1));
    return days(daysOf(firstYear(field, time.year), 1, 1));
}

double extracted(TimeField field, std::int64_t micros) {
    const CivilTime time = civilTimeOf(micros);
    const auto inMinute = static_cast<double>(time.second * kMicrosPerSecond + time.micros);
    switch (field) {
        case TimeField::kMicroseconds: return inMinute;
        case TimeField::kMilliseconds: return inMinute / 1000;
        case TimeField::kSecond: return inMinute / 1e6;
        case TimeField::kMinute: return time.minute;
        case TimeField::kHour: return time.hour;
        case TimeField::kDay: return time.day;
        case TimeField::kWeek: return isoWeekOf(time.days).week;
        case TimeField::kMonth: return time.month;
        case TimeField::kQuarter: return (time.month - 1) / 3 + 1;
        case TimeField::kYear: return shownYear(time.year);
        case TimeField::kDecade: return static_cast<double>(floorDivide(time.year, 10));
        case TimeField::kCentury: return shownAge(time.year, 100);
        case TimeField::kMillennium: return shownAge(time.year, 1000);
        case TimeField::kDow: return weekdayOf(time.days);
        case TimeField::kIsoDow: return (weekdayOf(time.days) + 6) % 7 + 1;
        case TimeField::kDoy: return dayOfYear(time);
        case TimeField::kIsoYear: return shownYear(isoWeekOf(time.days).year);
        case TimeField::kEpoch: return static_cast<double>(micros) / 1e6;
        case TimeField::kTimezone: break;
    }
    return 0;
}

}  // namespace tidemill::rows::expressions
