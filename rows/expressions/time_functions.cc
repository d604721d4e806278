// Functions of times. Units and formats are constants.
#include <algorithm>
#include <cmath>

#include "rows/calendar.h"
#include "rows/expressions/call.h"
#include "rows/expressions/float_result.h"
#include "rows/expressions/function_table.h"
#include "rows/expressions/time_fields.h"
#include "rows/expressions/to_char.h"
#include "rows/time_format.h"

namespace tidemill::rows::expressions {
namespace {

using Text = std::string_view;
constexpr Type kFloat = Type::kFloat, kText = Type::kText, kTime = Type::kTime;
using Constants = std::vector<const Value*>;

constexpr std::int64_t kTruncatedMin = -8'900'000'000'000'000'000;

core::Result<std::string> constantText(const Constants& constants, std::size_t at,
                                       const char* what) {
    if (constants[at] == nullptr || constants[at]->isNull)
        return core::fail(core::ErrorKind::kInvalid, std::string(what) + " is a constant here");
    return constants[at]->text;
}

// Units that are so many microseconds: known to the compiler, they need no division.
template <std::int64_t unit>
class TruncatedEval final : public Eval {
public:
    TruncatedEval(Operands operands, std::string what)
        : time_(std::move(operands[1])), what_(std::move(what)) {}

    Column run(Frame& frame, const Rows& rows) override {
        const Column in = time_.run(frame, rows);
        const std::uint64_t* nulls = setNulls(out_, &in, 1);
        const std::int64_t* times = in.as<kTime>();
        std::int64_t* out = out_.as<kTime>();
        bool any = false;
        rows.forEachAtLeast([&](std::size_t i) {
            const std::int64_t time = std::max(times[i], kTruncatedMin);
            const std::int64_t rest = time % unit;
            out[i] = time - rest - (rest < 0 ? unit : 0);
            any |= times[i] < kTruncatedMin;
        });
        if (any) [[unlikely]]
            rows.forEach([&](std::size_t i) {
                if (isSet(nulls, i) || times[i] >= kTruncatedMin) return;
                addFailure(frame, i, what_, "a time before the year -280000");
                out_.setNull(i);
            });
        return out_.column();
    }

private:
    Operand time_;
    std::string what_;
    ColumnBuffer out_{kTime};
};

template <std::int64_t unit>
MakeEval truncatedTo() {
    return [](Operands operands, const std::string& what) -> std::unique_ptr<Eval> {
        return std::make_unique<TruncatedEval<unit>>(std::move(operands), what);
    };
}

core::Result<MakeEval> dateTrunc(const Constants& constants) {
    TM_ASSIGN(const std::string name, constantText(constants, 0, "the unit of date_trunc"));
    TM_ASSIGN(const TimeField field, timeFieldNamed(name, false));
    switch (field) {
        case TimeField::kSecond: return truncatedTo<kMicrosPerSecond>();
        case TimeField::kMinute: return truncatedTo<60 * kMicrosPerSecond>();
        case TimeField::kHour: return truncatedTo<3600 * kMicrosPerSecond>();
        case TimeField::kDay: return truncatedTo<kMicrosPerDay>();
        default: break;
    }
    return mapWith<kTime, kText, kTime>([field](Call& call, Text, std::int64_t time) {
        // Far enough above the least time for a millennium.
        if (time >= kTruncatedMin) [[likely]]
            return truncated(field, time);
        call.fail("a time before the year -280000");
        return time;
    });
}

core::Result<MakeEval> datePart(const Constants& constants) {
    TM_ASSIGN(const std::string name, constantText(constants, 0, "the part that is extracted"));
    TM_ASSIGN(const TimeField field, timeFieldNamed(name, true));
    return mapWith<kFloat, kText, kTime>(
        [field](Call&, Text, std::int64_t time) { return extracted(field, time); });
}

// As PostgreSQL rounds: the seconds since 2000, times a million.
std::int64_t fromEpoch(Call& call, double seconds) {
    constexpr double kTo2000 = 946'684'800;
    // The times that PostgreSQL has.
    if (!(seconds >= -210'866'803'200.0 && seconds < 9'224'318'016'000.0)) {
        call.fail(floatText(seconds) + " seconds are no time");
        return 0;
    }
    return static_cast<std::int64_t>(std::rint((seconds - kTo2000) * 1e6)) + 946'684'800'000'000;
}

class ToChar {
public:
    explicit ToChar(ToCharFormat format) : format_(std::move(format)) {}
    Text operator()(Call& call, std::int64_t time, Text) {
        made_.clear();
        format_.write(time, made_);
        return call.arena.copy(made_);
    }

private:
    ToCharFormat format_;
    std::string made_;
};

core::Result<MakeEval> toChar(const Constants& constants) {
    TM_ASSIGN(const std::string text, constantText(constants, 1, "the format of to_char"));
    TM_ASSIGN(ToCharFormat format, ToCharFormat::compile(text));
    return mapWith<kText, kTime, kText>(ToChar(std::move(format)));
}

core::Result<MakeEval> toTimestamp(const Constants& constants) {
    TM_ASSIGN(const std::string text, constantText(constants, 1, "the format of to_timestamp"));
    TM_ASSIGN(const ToCharFormat written, ToCharFormat::compile(text));
    TM_ASSIGN(const std::string directives, written.forReading());
    TM_ASSIGN(const TimeFormat format, TimeFormat::compile(directives));
    if (!format.hasYear())
        return core::fail(core::ErrorKind::kInvalid,
                          "the format \"" + text + "\" of to_timestamp names no year");
    return mapWith<kTime, kText, kText>([format, text](Call& call, Text value, Text) {
        std::int64_t micros = 0;
        if (format.parse(value, micros) != Parsed::kValue)
            call.fail("\"" + std::string(value.substr(0, 60)) + "\" is no time as " + text);
        return micros;
    });
}

}  // namespace

Family timeFunctions() {
    std::vector<Function> all;
    all.push_back({"date_trunc",
                   {kText, kTime},
                   kTime,
                   "`date_trunc('hour', t)`: down to microseconds, milliseconds, second, minute, "
                   "hour, day, week (Monday), month, quarter, year, decade, century, millennium",
                   true,
                   false,
                   dateTrunc});
    all.push_back({"date_part",
                   {kText, kTime},
                   kFloat,
                   "also `extract(hour from t)`: those of date_trunc, and dow (Sunday 0), isodow "
                   "(Sunday 7), doy, isoyear, epoch (seconds since 1970), timezone",
                   false,
                   false,
                   datePart});
    all.push_back({"to_timestamp",
                   {kFloat},
                   kTime,
                   "seconds since 1970 as a time",
                   true,
                   false,
                   always(map<fromEpoch, kTime, kFloat>())});
    all.push_back({"to_timestamp",
                   {kText, kText},
                   kTime,
                   "`to_timestamp(x, 'DD.MM.YYYY HH24:MI')`: a time written so; the whole text has "
                   "to be as the format says",
                   true,
                   false,
                   toTimestamp});
    all.push_back({"to_char",
                   {kTime, kText},
                   kText,
                   "`to_char(t, 'YYYY-MM-DD HH24:MI')`: with PostgreSQL's patterns for times",
                   false,
                   false,
                   toChar});
    return {"Times", std::move(all)};
}

}  // namespace tidemill::rows::expressions
