// Intervals, as constants only: "1 day 02:00:00".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "rows/expressions/eval.h"

namespace tidemill::rows::expressions {

// Months and days are kept apart from microseconds: a month has no fixed length.
struct Interval {
    std::int64_t months = 0;
    std::int64_t days = 0;
    std::int64_t micros = 0;

    Interval operator-() const { return {-months, -days, -micros}; }
    // For comparisons: a month is 30 days. Saturates.
    std::int64_t inMicros() const;
    std::string text() const;
};

// As PostgreSQL writes and reads them: "1 day", "2 hours 30 min", "-1 month", "1.5 hours",
// "1 day 02:03:04.5", "00:10"; also "90s", "250ms". Errors: kInvalid.
core::Result<Interval> parseInterval(std::string_view text);

// time + interval: the months first (the last day of a month where it has no such day), then days,
// then microseconds.
MakeEval shiftOf(const Interval& interval);
// time - time, as microseconds.
MakeEval differenceOf();

}  // namespace tidemill::rows::expressions
