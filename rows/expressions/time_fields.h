// The parts of a time that date_trunc and extract name.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/error.h"

namespace tidemill::rows::expressions {

enum class TimeField : std::uint8_t {
    kMicroseconds,
    kMilliseconds,
    kSecond,
    kMinute,
    kHour,
    kDay,
    kWeek,
    kMonth,
    kQuarter,
    kYear,
    kDecade,
    kCentury,
    kMillennium,
    // Of extract only.
    kDow,
    kIsoDow,
    kDoy,
    kIsoYear,
    kEpoch,
    kTimezone,
};

// Errors: kInvalid, with what is known.
core::Result<TimeField> timeFieldNamed(std::string_view name, bool forExtract);

std::int64_t truncated(TimeField field, std::int64_t micros);
double extracted(TimeField field, std::int64_t micros);

}  // namespace tidemill::rows::expressions
