#include "rows/expressions/to_char.h"

#include <array>
#include <cstdio>

#include "rows/expressions/civil_time.h"

namespace tidemill::rows::expressions {
namespace {

// In the order in which they are tried; upper case first where both are known.
constexpr auto kPatterns = std::to_array<std::string_view>({
    "A.D.",  "A.M.",  "AD",    "AM",   "B.C.",  "BC",   "CC",   "DAY",  "DDD",   "DD",    "DY",
    "Day",   "Dy",    "D",     "FF1",  "FF2",   "FF3",  "FF4",  "FF5",  "FF6",   "FX",    "HH24",
    "HH12",  "HH",    "IDDD",  "ID",   "IW",    "IYYY", "IYY",  "IY",   "I",     "J",     "MI",
    "MM",    "MONTH", "MON",   "MS",   "Month", "Mon",  "OF",   "P.M.", "PM",    "Q",     "RM",
    "SSSSS", "SSSS",  "SS",    "TZH",  "TZM",   "TZ",   "US",   "WW",   "W",     "Y,YYY", "YYYY",
    "YYY",   "YY",    "Y",     "a.d.", "a.m.",  "ad",   "am",   "b.c.", "bc",    "cc",    "day",
    "ddd",   "dd",    "dy",    "d",    "ff1",   "ff2",  "ff3",  "ff4",  "ff5",   "ff6",   "fx",
    "hh24",  "hh12",  "hh",    "iddd", "id",    "iw",   "iyyy", "iyy",  "iy",    "i",     "j",
    "mi",    "mm",    "month", "mon",  "ms",    "of",   "p.m.", "pm",   "q",     "rm",    "sssss",
    "ssss",  "ss",    "tzh",   "tzm",  "tz",    "us",   "ww",   "w",    "y,yyy", "yyyy",  "yyy",
    "yy",    "y",
});

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
constexpr std::string_view kRoman[] = {"I",   "II",   "III", "IV", "V",  "VI",
                                       "VII", "VIII", "IX",  "X",  "XI", "XII"};

std::string inCase(std::string_view text, bool upper) {
    std::string made(text);
    for (char& c : made)
        c = static_cast<char>(upper ? std::toupper(static_cast<unsigned char>(c))
                                    : std::tolower(static_cast<unsigned char>(c)));
    return made;
}
std::string upperOf(std::string_view text) { return inCase(text, true); }

std::string_view endingOf(std::string_view number, bool upper) {
    const std::size_t size = number.size();
    const char last = number.back();
    const bool isTeen = size > 1 && number[size - 2] == '1';
    const int which = isTeen || last < '1' || last > '3' ? 0 : last - '0';
    constexpr std::string_view kLower[] = {"th", "st", "nd", "rd"},
                               kUpper[] = {"TH", "ST", "ND", "RD"};
    return upper ? kUpper[which] : kLower[which];
}

std::string number(std::int64_t value, int width) {
    char text[32];
    return std::string(text,
                       static_cast<std::size_t>(std::snprintf(text, sizeof text, "%0*lld", width,
                                                              static_cast<long long>(value))));
}

// A name in the case of its pattern: MONTH, Month, month.
std::string name(std::string_view of, std::string_view pattern, std::size_t width) {
    std::string text = pattern[1] >= 'A' && pattern[1] <= 'Z'   ? upperOf(of)
                       : pattern[0] >= 'A' && pattern[0] <= 'Z' ? std::string(of)
                                                                : inCase(of, false);
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::int64_t shownYear(std::int64_t year) { return year > 0 ? year : -(year - 1); }

std::string yearText(std::int64_t year, std::size_t places, bool isFilled) {
    std::int64_t modulus = 1;
    for (std::size_t i = 0; i < places; ++i) modulus *= 10;
    const std::int64_t displayed = shownYear(year);
    const int width = isFilled ? static_cast<int>(places) : 0;
    return number(places == 4 ? displayed : displayed % modulus, width);
}

}  // namespace

core::Result<ToCharFormat> ToCharFormat::compile(std::string_view format) {
    ToCharFormat made;
    const auto literal = [&](std::string_view text) {
        if (made.steps_.empty() || !made.steps_.back().pattern.empty()) made.steps_.push_back({});
        made.steps_.back().literal += text;
    };
    while (!format.empty()) {
        bool isFilled = true;
        if (format.starts_with("FM") || format.starts_with("fm")) {
            isFilled = false;
            format.remove_prefix(2);
        } else if (format.starts_with("TM") || format.starts_with("tm")) {
            format.remove_prefix(2);
        }
        std::string_view found;
        for (const auto pattern : kPatterns)
            if (format.starts_with(pattern)) {
                found = pattern;
                break;
            }
        if (!found.empty()) {
            format.remove_prefix(found.size());
            Step step;
            step.pattern = found;
            step.isFilled = isFilled;
            if (format.starts_with("TH") || format.starts_with("th")) {
                step.ending = format[0] == 'T' ? "TH" : "th";
                format.remove_prefix(2);
            }
            if (upperOf(found) != "FX") made.steps_.push_back(std::move(step));
        } else if (format.starts_with('"')) {
            format.remove_prefix(1);
            std::string text;
            while (!format.empty() && format[0] != '"') {
                if (format[0] == '\\' && format.size() > 1) format.remove_prefix(1);
                text += format[0];
                format.remove_prefix(1);
            }
            if (!format.empty()) format.remove_prefix(1);
            literal(text);
        } else if (!format.empty()) {
            if (format.starts_with("\\\"")) format.remove_prefix(1);
            literal(format.substr(0, 1));
            format.remove_prefix(1);
        }
    }
    return made;
}

void ToCharFormat::write(std::int64_t micros, std::string& out) const {
    const CivilTime time = civilTimeOf(micros);
    for (const Step& step : steps_) {
        if (step.pattern.empty()) {
            out += step.literal;
            continue;
        }
        const std::string_view pattern = step.pattern;
        const std::string upper = upperOf(pattern);
        const bool isUpper = pattern[0] >= 'A' && pattern[0] <= 'Z';
        const auto filled = [&](int width) { return step.isFilled ? width : 0; };
        const std::size_t nameWidth = step.isFilled ? 9 : 0;
        const unsigned weekday = weekdayOf(time.days);
        std::string text;
        bool isNumber = true;
        if (upper == "YYYY" || upper == "YYY" || upper == "YY" || upper == "Y") {
            text = yearText(time.year, upper.size(), step.isFilled);
        } else if (upper == "Y,YYY") {
            text = std::to_string(shownYear(time.year) / 1000) + "," +
                   number(shownYear(time.year) % 1000, 3);
        } else if (upper == "IYYY" || upper == "IYY" || upper == "IY" || upper == "I") {
            text = yearText(isoWeekOf(time.days).year, upper.size(), step.isFilled);
        } else if (upper == "CC") {
            const std::int64_t year = time.year;
            const std::int64_t century = year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100);
            text = number(century, century < 0 ? filled(3) : filled(2));
        } else if (upper == "MM") {
            text = number(time.month, filled(2));
        } else if (upper == "DD") {
            text = number(time.day, filled(2));
        } else if (upper == "DDD") {
            text = number(dayOfYear(time), filled(3));
        } else if (upper == "IDDD") {
            const IsoWeek week = isoWeekOf(time.days);
            text = number((static_cast<std::int64_t>(week.week) - 1) * 7 + (weekday + 6) % 7 + 1,
                          filled(3));
        } else if (upper == "D") {
            text = number(weekday + 1, 0);
        } else if (upper == "ID") {
            text = number((weekday + 6) % 7 + 1, 0);
        } else if (upper == "WW") {
            text = number((dayOfYear(time) - 1) / 7 + 1, filled(2));
        } else if (upper == "W") {
            text = number((time.day - 1) / 7 + 1, 0);
        } else if (upper == "IW") {
            text = number(isoWeekOf(time.days).week, filled(2));
        } else if (upper == "Q") {
            text = number((time.month - 1) / 3 + 1, 0);
        } else if (upper == "J") {
            text = number(time.days + 2'440'588, 0);
        } else if (upper == "HH24") {
            text = number(time.hour, filled(2));
        } else if (upper == "HH12" || upper == "HH") {
            text = number(time.hour % 12 == 0 ? 12 : time.hour % 12, filled(2));
        } else if (upper == "MI") {
            text = number(time.minute, filled(2));
        } else if (upper == "SS") {
            text = number(time.second, filled(2));
        } else if (upper == "MS") {
            text = number(time.micros / 1000, 3);
        } else if (upper == "US") {
            text = number(time.micros, 6);
        } else if (upper.starts_with("FF")) {
            text = number(time.micros, 6).substr(0, static_cast<std::size_t>(upper[2] - '0'));
        } else if (upper.starts_with("SSSS")) {
            text = number(time.hour * 3600 + time.minute * 60 + time.second, 0);
        } else {
            isNumber = false;
            if (upper == "MONTH") {
                text = name(kMonths[time.month - 1], pattern, nameWidth);
            } else if (upper == "MON") {
                text = name(kMonths[time.month - 1].substr(0, 3), pattern, 0);
            } else if (upper == "DAY") {
                text = name(kDays[weekday], pattern, nameWidth);
            } else if (upper == "DY") {
                text = name(kDays[weekday].substr(0, 3), pattern, 0);
            } else if (upper == "RM") {
                text = inCase(kRoman[time.month - 1], isUpper);
                if (step.isFilled) text.append(4 - text.size(), ' ');
            } else if (upper == "AM" || upper == "PM") {
                text = inCase(time.hour >= 12 ? "PM" : "AM", isUpper);
            } else if (upper == "A.M." || upper == "P.M.") {
                text = inCase(time.hour >= 12 ? "P.M." : "A.M.", isUpper);
            } else if (upper == "AD" || upper == "BC") {
                text = inCase(time.year <= 0 ? "BC" : "AD", isUpper);
            } else if (upper == "A.D." || upper == "B.C.") {
                text = inCase(time.year <= 0 ? "B.C." : "A.D.", isUpper);
            } else if (upper == "TZ") {
                text = inCase("UTC", isUpper);
            } else if (upper == "TZM") {
                text = "00";
            } else {  // TZH, OF
                text = "+00";
            }
        }
        out += text;
        if (isNumber && !step.ending.empty()) out += endingOf(text, step.ending == "TH");
    }
}

core::Result<std::string> ToCharFormat::forReading() const {
    struct Directive {
        std::string_view pattern;
        std::string_view directive;
    };
    static constexpr Directive kDirectives[] = {
        {"YYYY", "%Y"}, {"YY", "%y"},  {"MM", "%m"},   {"MON", "%b"},  {"MONTH", "%b"},
        {"DD", "%d"},   {"DDD", "%j"}, {"HH24", "%H"}, {"HH12", "%I"}, {"HH", "%I"},
        {"MI", "%M"},   {"SS", "%S"},  {"MS", "%f"},   {"US", "%f"},   {"AM", "%p"},
        {"PM", "%p"},   {"DAY", "%a"}, {"DY", "%a"},   {"TZ", "%Z"},   {"OF", "%z"},
        {"FF1", "%f"},  {"FF2", "%f"}, {"FF3", "%f"},  {"FF4", "%f"},  {"FF5", "%f"},
        {"FF6", "%f"},
    };
    std::string made;
    for (const Step& step : steps_) {
        if (step.pattern.empty()) {
            for (const char c : step.literal)
                made += c == '%' ? std::string("%%") : std::string(1, c);
            continue;
        }
        const std::string upper = upperOf(step.pattern);
        std::string_view found;
        for (const auto& one : kDirectives)
            if (one.pattern == upper) found = one.directive;
        if (found.empty() || !step.ending.empty())
            return core::fail(core::ErrorKind::kInvalid, "\"" + step.pattern +
                                                             "\" is written by to_char, but not "
                                                             "read by to_timestamp here");
        made += found;
    }
    return made;
}

}  // namespace tidemill::rows::expressions
