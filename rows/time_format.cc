#include "rows/time_format.h"

#include <array>
#include <iterator>

#include "core/format.h"
#include "rows/time_fields.h"

namespace tidemill::rows {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::string_view kDirectives = "YymdeHIMSbBhajApfzZsQ";
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"sunday",   "monday", "tuesday", "wednesday",
                                                   "thursday", "friday", "saturday"};

bool isBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Consumes `word` (in lower case) when the text has it in any case.
bool readWord(const char*& at, const char* end, std::string_view word) {
    if (static_cast<std::size_t>(end - at) < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i)
        if ((static_cast<unsigned char>(at[i]) | 0x20) != static_cast<unsigned char>(word[i]))
            return false;
    at += word.size();
    return true;
}

// One of `names`, whole or its first three letters; answers its number from 0.
template <std::size_t n>
bool readName(const char*& at, const char* end, const std::array<std::string_view, n>& names,
              std::int64_t& number) {
    for (std::size_t i = 0; i < n; ++i) {
        if (!readWord(at, end, names[i].substr(0, 3))) continue;
        readWord(at, end, names[i].substr(3));
        number = static_cast<std::int64_t>(i);
        return true;
    }
    return false;
}

bool readUpTo(const char*& at, const char* end, int most, std::int64_t& number) {
    return readDigits(at, end, most, number) > 0;
}

}  // namespace

struct TimeFormat::Fields : TimeFields {
    std::int64_t dayOfYear = 0;
    std::int64_t epoch = 0;  // of %s and %Q: without `micros`
    bool hasEpoch = false;
    bool epochIsNegative = false;
    std::int64_t half = -1;  // 0 AM, 1 PM
};

Result<void> TimeFormat::addSteps(std::string_view format, std::size_t& places) {
    for (std::size_t i = 0; i < format.size(); ++i) {
        const char c = format[i];
        if (isBlank(c)) {
            if (steps_.empty() || steps_.back().directive != ' ') steps_.push_back({' ', ' '});
            continue;
        }
        if (c != '%') {
            steps_.push_back({0, c});
            continue;
        }
        const char directive = ++i < format.size() ? format[i] : ' ';
        if (directive == '%') {
            steps_.push_back({0, '%'});
        } else if (directive == 'n' || directive == 't') {
            steps_.push_back({' ', ' '});
        } else if (directive == 'T') {
            TM_TRY(addSteps("%H:%M:%S", places));
        } else if (directive == 'R') {
            TM_TRY(addSteps("%H:%M", places));
        } else if (directive == 'D') {
            TM_TRY(addSteps("%m/%d/%y", places));
        } else if (directive == 'F') {
            TM_TRY(addSteps("%Y-%m-%d", places));
        } else if (kDirectives.find(directive) != kDirectives.npos) {
            steps_.push_back({directive, 0});
            places |= std::size_t{1} << kDirectives.find(directive);
        } else {
            std::string message = "the time format \"" + text_ + "\" has \"%";
            if (i < format.size()) core::appendPrintable(message, format.substr(i, 1));
            return fail(ErrorKind::kInvalid,
                        message +
                            "\", which times are not read by; there are %Y %m %d %H %M %S %y %b %B "
                            "%e %j %I %p %a %A %f %z %Z %s %Q %T %R %D %F %n %t %%");
        }
    }
    return {};
}

Result<TimeFormat> TimeFormat::compile(std::string_view format) {
    TimeFormat compiled;
    compiled.text_ = format;
    if (format.empty()) return compiled;
    std::size_t places = 0;
    TM_TRY(compiled.addSteps(format, places));
    const auto has = [&](std::string_view directives) {
        for (const char c : directives)
            if (((places >> kDirectives.find(c)) & 1) != 0) return true;
        return false;
    };
    const auto invalid = [&](const char* what) {
        return fail(ErrorKind::kInvalid, "the time format \"" + compiled.text_ + "\" " + what);
    };
    if (has("sQ")) return compiled;
    if (!has("j") && !(has("mbBh") && has("de")))
        return invalid("does not say the day: %m or %b with %d, or %j, or %s");
    if (has("I") != has("p")) return invalid("has one of %I and %p, which go together");
    if (has("I") && has("H")) return invalid("has both %H and %I");
    compiled.hasYear_ = has("Yy");
    if (!compiled.hasYear_ && has("j")) return invalid("has %j without a year");
    return compiled;
}

const TimeFormat& TimeFormat::syslog() {
    static const TimeFormat format = [] {
        auto made = TimeFormat::compile("%b %e %H:%M:%S");
        made->orIso8601_ = true;
        return *made;
    }();
    return format;
}

// One directive's text.
bool TimeFormat::read(const Step& step, const char*& at, const char* end, Fields& fields) const {
    switch (step.directive) {
        case 0: return at != end && *at++ == step.literal;
        case ' ':
            while (at != end && isBlank(*at)) ++at;
            return true;
        case 'Y': return readDigits(at, end, 4, fields.year) == 4;
        case 'y':
            if (readDigits(at, end, 2, fields.year) != 2) return false;
            fields.year += fields.year < 69 ? 2000 : 1900;
            return true;
        case 'm': return readUpTo(at, end, 2, fields.month);
        case 'b':
        case 'B':
        case 'h':
            if (!readName(at, end, kMonths, fields.month)) return false;
            ++fields.month;
            return true;
        case 'e':
            while (at != end && *at == ' ') ++at;
            [[fallthrough]];
        case 'd': return readUpTo(at, end, 2, fields.day);
        case 'j': return readUpTo(at, end, 3, fields.dayOfYear) && fields.dayOfYear != 0;
        case 'H': return readUpTo(at, end, 2, fields.hour);
        case 'I': return readUpTo(at, end, 2, fields.hour) && fields.hour >= 1 && fields.hour <= 12;
        case 'p':
            fields.half = readWord(at, end, "pm") ? 1 : readWord(at, end, "am") ? 0 : -1;
            return fields.half >= 0;
        case 'M': return readUpTo(at, end, 2, fields.minute);
        case 'S': return readUpTo(at, end, 2, fields.second);
        case 'f': return readFraction(at, end, fields.micros);
        case 'a':
        case 'A': {
            std::int64_t day = 0;
            return readName(at, end, kDays, day);
        }
        case 'z':
        case 'Z':
            if (readWord(at, end, "utc") || readWord(at, end, "gmt")) return true;
            if (step.directive == 'z') return readOffset(at, end, fields.offsetSeconds);
            return readWord(at, end, "z");
        default:  // s, Q
            fields.hasEpoch = true;
            fields.epochIsNegative = at != end && *at == '-';
            if (fields.epochIsNegative) ++at;
            if (!readUpTo(at, end, 18, fields.epoch)) return false;
            if (step.directive == 'Q') {
                fields.micros = fields.epoch % 1000 * 1000;
                fields.epoch /= 1000;
            }
            return true;
    }
}

Parsed TimeFormat::parse(std::string_view text, std::int64_t& micros, std::int64_t now) const {
    if (steps_.empty() || (orIso8601_ && !text.empty() && text[0] >= '0' && text[0] <= '9'))
        return parseTime(text, micros);
    Fields fields;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (const Step& step : steps_)
        if (!read(step, at, end, fields)) return Parsed::kNoValue;
    if (at != end) return Parsed::kNoValue;
    if (fields.hasEpoch) {
        if (fields.epoch > daysOf(kYearMax, 12, 31) * 86'400) return Parsed::kOutOfRange;
        const std::int64_t size = fields.epoch * kMicrosPerSecond + fields.micros;
        micros = fields.epochIsNegative ? -size : size;
        return Parsed::kValue;
    }
    if (fields.half >= 0) fields.hour = fields.hour % 12 + 12 * fields.half;
    if (fields.dayOfYear != 0) {
        if (fields.dayOfYear > (isLeapYear(fields.year) ? 366 : 365)) return Parsed::kNoValue;
        const auto day = civilDayOf(daysOf(fields.year, 1, 1) + fields.dayOfYear - 1);
        fields.month = day.month;
        fields.day = day.day;
    }
    if (hasYear_) return microsOf(fields, micros);
    if (now == kNoNow) return Parsed::kNoValue;
    // A leap day may be eight years back.
    constexpr int kYears = 9;
    fields.year = civilDayOf(now / kMicrosPerDay).year + 1;
    for (int i = 0; i <= kYears; ++i, --fields.year)
        if (microsOf(fields, micros) == Parsed::kValue && micros <= now + kMicrosPerDay)
            return Parsed::kValue;
    return Parsed::kNoValue;
}

}  // namespace tidemill::rows
