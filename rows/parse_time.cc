// ISO 8601.
#include "rows/parse_value.h"
#include "rows/time_fields.h"

namespace tidemill::rows {
namespace {

bool is(const char*& at, const char* end, char c) {
    if (at == end || *at != c) return false;
    ++at;
    return true;
}

bool readTwo(const char*& at, const char* end, std::int64_t& number) {
    return readDigits(at, end, 2, number) == 2;
}

// "2024-02-29", "-0044-03-15", "20240229".
bool readDate(const char*& at, const char* end, TimeFields& fields, bool& isExtended) {
    const bool negative = is(at, end, '-');
    const bool hasSign = negative || is(at, end, '+');
    const char* const begin = at;
    const int digits = readDigits(at, end, 7, fields.year);
    if (digits < 4) return false;
    isExtended = is(at, end, '-');
    if (!isExtended) {
        // The digits of month and day follow those of the year.
        if (hasSign) return false;
        at = begin;
        readDigits(at, end, 4, fields.year);
    }
    if (negative) fields.year = -fields.year;
    return readTwo(at, end, fields.month) && (!isExtended || is(at, end, '-')) &&
           readTwo(at, end, fields.day);
}

// "12:30", "12:30:59.5", "1230", "12".
bool readClock(const char*& at, const char* end, TimeFields& fields) {
    if (!readTwo(at, end, fields.hour)) return false;
    const bool isExtended = is(at, end, ':');
    // Hours alone?
    if (!isExtended && (at == end || *at < '0' || *at > '9')) return true;
    if (!readTwo(at, end, fields.minute)) return false;
    if (isExtended ? !is(at, end, ':') : (at == end || *at < '0' || *at > '9')) return true;
    if (!readTwo(at, end, fields.second)) return false;
    if (is(at, end, '.') || is(at, end, ',')) return readFraction(at, end, fields.micros);
    return true;
}

}  // namespace

Parsed parseTime(std::string_view text, std::int64_t& micros) {
    const char* at = text.data();
    const char* const end = at + text.size();
    TimeFields fields;
    bool isExtended = false;
    if (!readDate(at, end, fields, isExtended)) return Parsed::kNoValue;
    if (at == end) return microsOf(fields, micros);
    if (*at != 'T' && *at != 't' && *at != ' ') return Parsed::kNoValue;
    ++at;
    if (!readClock(at, end, fields)) return Parsed::kNoValue;
    if (at != end) {
        is(at, end, ' ');
        if (!readOffset(at, end, fields.offsetSeconds) || at != end) return Parsed::kNoValue;
    }
    return microsOf(fields, micros);
}

}  // namespace tidemill::rows
