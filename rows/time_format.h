// Formats of times as strptime(3) has them, compiled once.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "rows/parse_value.h"

namespace tidemill::rows {

// %Y %m %d %H %M %S; %y (69 ... 99 are of the 20th century), %b %B %h (English names, short or
// whole, in any case), %e, %j, %I %p, %a %A (read, not compared with the date), %f (1 to 9 digits
// of a fraction of a second; what is behind microseconds is cut off), %z (Z, UTC, GMT, +01:00,
// +0100, +01), %Z (UTC, GMT or Z), %s %Q (seconds, milliseconds since 1970-01-01), %T %R %D %F, %n
// %t %%. Numbers may have fewer digits than their width, but for %Y. A blank stands for any number
// of blanks, also none. Without %z times are UTC. A format without a year means the latest such
// time that is at most a day after "now". Thread safety: immutable.
class TimeFormat {
public:
    static constexpr std::int64_t kNoNow = std::numeric_limits<std::int64_t>::min();

    // The empty format is ISO 8601, as parseTime() has it. Errors: kInvalid, a directive that is
    // none, or that a time cannot be made of what the directives give.
    static core::Result<TimeFormat> compile(std::string_view format);

    // Of syslog: "Oct 11 22:14:15", or ISO 8601 where a digit comes first.
    static const TimeFormat& syslog();

    // All of `text` must be as the format says. `now` (microseconds) is looked at when the format
    // has no year; without it the answer then is kNoValue.
    Parsed parse(std::string_view text, std::int64_t& micros, std::int64_t now = kNoNow) const;

    bool hasYear() const { return hasYear_; }
    const std::string& text() const { return text_; }

private:
    struct Step {
        char directive;  // 0: `literal`, ' ': blanks
        char literal;
    };
    struct Fields;
    core::Result<void> addSteps(std::string_view format, std::size_t& places);
    bool read(const Step& step, const char*& at, const char* end, Fields& fields) const;

    std::string text_;
    std::vector<Step> steps_;
    bool orIso8601_ = false;
    bool hasYear_ = true;
};

}  // namespace tidemill::rows
