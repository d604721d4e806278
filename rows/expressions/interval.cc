#include "rows/expressions/interval.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "rows/expressions/call.h"
#include "rows/expressions/civil_time.h"
#include "rows/write_value.h"

namespace tidemill::rows::expressions {
namespace {

__extension__ using Wide = __int128;

struct Unit {
    std::string_view name;
    std::int64_t months;
    std::int64_t days;
    std::int64_t micros;
};

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond, kHour = 60 * kMinute;

constexpr auto kUnits = std::to_array<Unit>({
    {"microsecond", 0, 0, 1},
    {"us", 0, 0, 1},
    {"usec", 0, 0, 1},
    {"millisecond", 0, 0, 1000},
    {"ms", 0, 0, 1000},
    {"msec", 0, 0, 1000},
    {"second", 0, 0, kMicrosPerSecond},
    {"s", 0, 0, kMicrosPerSecond},
    {"sec", 0, 0, kMicrosPerSecond},
    {"minute", 0, 0, kMinute},
    {"m", 0, 0, kMinute},
    {"min", 0, 0, kMinute},
    {"hour", 0, 0, kHour},
    {"h", 0, 0, kHour},
    {"hr", 0, 0, kHour},
    {"day", 0, 1, 0},
    {"d", 0, 1, 0},
    {"week", 0, 7, 0},
    {"w", 0, 7, 0},
    {"month", 1, 0, 0},
    {"mon", 1, 0, 0},
    {"year", 12, 0, 0},
    {"y", 12, 0, 0},
    {"yr", 12, 0, 0},
    {"decade", 120, 0, 0},
    {"century", 1200, 0, 0},
});

const Unit* unitOf(std::string name) {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto find = [&](std::string_view wanted) -> const Unit* {
        const auto found = std::find_if(kUnits.begin(), kUnits.end(),
                                        [&](const Unit& unit) { return unit.name == wanted; });
        return found == kUnits.end() ? nullptr : &*found;
    };
    if (const Unit* unit = find(name)) return unit;
    if (name == "centuries") return find("century");
    return name.size() > 2 && name.ends_with('s')
               ? find(std::string_view(name).substr(0, name.size() - 1))
               : nullptr;
}

// At most about 100,000 years, so that no sum overflows.
constexpr double kAmountMax = 3.2e18;

struct Reader {
    std::string_view rest;
    void blanks() {
        while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t'))
            rest.remove_prefix(1);
    }
    bool is(char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    bool number(double& value) {
        const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), value,
                                          std::chars_format::fixed);
        if (read.ec != std::errc()) return false;
        rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
        return std::isfinite(value);
    }
    std::string word() {
        std::size_t length = 0;
        while (length < rest.size() && std::isalpha(static_cast<unsigned char>(rest[length])))
            ++length;
        std::string text(rest.substr(0, length));
        rest.remove_prefix(length);
        return text;
    }
};

// Adds `amount` units: a fraction of a month counts as days of 30, one of a day as its time.
bool add(Interval& interval, double amount, const Unit& unit) {
    const auto whole = [&](double number, std::int64_t& to, double& fraction) {
        if (std::fabs(number) > kAmountMax) return false;
        const double part = std::trunc(number);
        fraction = number - part;
        return !__builtin_add_overflow(to, static_cast<std::int64_t>(part), &to);
    };
    double fraction = 0;
    if (unit.months != 0) {
        if (!whole(amount * static_cast<double>(unit.months), interval.months, fraction) ||
            std::abs(interval.months) > 3'600'000)
            return false;
        if (unit.months != 1) {  // a fraction of a year is whole months
            double none = 0;
            return whole(std::round(fraction), interval.months, none);
        }
        return add(interval, fraction * 30, *unitOf("day"));
    }
    if (unit.days != 0) {
        if (!whole(amount * static_cast<double>(unit.days), interval.days, fraction) ||
            std::abs(interval.days) > 110'000'000)
            return false;
        return add(interval, std::rint(fraction * static_cast<double>(kMicrosPerDay)),
                   *unitOf("us"));
    }
    return whole(std::rint(amount * static_cast<double>(unit.micros)), interval.micros, fraction);
}

std::int64_t shifted(Call& call, std::int64_t time, const Interval& interval) {
    Wide micros = time;
    if (interval.months != 0) {
        const CivilTime civil = civilTimeOf(time);
        const std::int64_t months = civil.year * 12 + (civil.month - 1) + interval.months;
        const std::int64_t year = floorDivide(months, 12);
        const auto month = static_cast<unsigned>(months - year * 12) + 1;
        const std::int64_t days =
            daysOf(year, month, std::min(civil.day, daysOfMonth(year, month)));
        micros += Wide{days - civil.days} * kMicrosPerDay;
    }
    micros += Wide{interval.days} * kMicrosPerDay + interval.micros;
    if (micros != static_cast<std::int64_t>(micros)) {
        char bytes[kValueTextMax];
        call.fail(std::string(bytes, writeTime(bytes, time)) + " + " + interval.text() +
                  " does not fit a time");
    }
    return static_cast<std::int64_t>(micros);
}

std::int64_t difference(Call& call, std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (__builtin_sub_overflow(a, b, &out)) call.fail("the times are too far apart");
    return out;
}

}  // namespace

std::int64_t Interval::inMicros() const {
    const Wide sum = (Wide{months} * 30 + days) * kMicrosPerDay + micros;
    constexpr Wide kMin = std::numeric_limits<std::int64_t>::min(),
                   kMax = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp(sum, kMin, kMax));
}

std::string Interval::text() const {
    std::string text;
    const auto add = [&](std::int64_t amount, const char* unit) {
        if (amount != 0) text += (text.empty() ? "" : " ") + std::to_string(amount) + " " + unit;
    };
    add(months, "months");
    add(days, "days");
    add(micros / kMicrosPerSecond, "seconds");
    add(micros % kMicrosPerSecond, "microseconds");
    return "interval '" + (text.empty() ? "0 seconds" : text) + "'";
}

core::Result<Interval> parseInterval(std::string_view text) {
    Interval interval;
    Reader reader{text};
    bool isAny = false;
    const auto wrong = [&] {
        return core::fail(core::ErrorKind::kInvalid,
                          "\"" + std::string(text) +
                              "\" is no interval; write '1 day', '2 hours "
                              "30 min', '90 s' or '01:30:00'");
    };
    for (reader.blanks(); !reader.rest.empty(); reader.blanks()) {
        if (isAny && (reader.rest == "ago" || reader.rest == "AGO")) {
            interval = -interval;
            return interval;
        }
        const bool isNegative = reader.is('-');
        if (!isNegative) reader.is('+');
        double amount = 0;
        if (!reader.number(amount)) return wrong();
        const double sign = isNegative ? -1 : 1;
        if (reader.is(':')) {  // hours:minutes[:seconds]
            double minutes = 0, seconds = 0;
            if (!reader.number(minutes) || minutes >= 60) return wrong();
            if (reader.is(':') && (!reader.number(seconds) || seconds >= 60)) return wrong();
            if (!add(interval, sign * amount, *unitOf("hour")) ||
                !add(interval, sign * minutes, *unitOf("minute")) ||
                !add(interval, sign * seconds, *unitOf("second")))
                return wrong();
        } else {
            reader.blanks();
            const std::string word = reader.word();
            // A number alone is of seconds.
            const Unit* unit =
                word.empty() && reader.rest.empty() ? unitOf("second") : unitOf(word);
            if (unit == nullptr || !add(interval, sign * amount, *unit)) return wrong();
        }
        isAny = true;
    }
    if (!isAny) return wrong();
    return interval;
}

MakeEval shiftOf(const Interval& interval) {
    return mapWith<Type::kTime, Type::kTime>(
        [interval](Call& call, std::int64_t time) { return shifted(call, time, interval); });
}

MakeEval differenceOf() { return map<difference, Type::kInt, Type::kTime, Type::kTime>(); }

}  // namespace tidemill::rows::expressions
