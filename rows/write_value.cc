#include "rows/write_value.h"

#include <charconv>
#include <cmath>

#include "core/check.h"
#include "core/format.h"
#include "rows/calendar.h"

namespace tidemill::rows {
namespace {

char* writeWord(char* at, std::string_view word) {
    std::memcpy(at, word.data(), word.size());
    return at + word.size();
}

char* writeDigits(char* at, std::int64_t number, int digits) {
    for (int i = digits - 1; i >= 0; --i, number /= 10)
        at[i] = static_cast<char>('0' + number % 10);
    return at + digits;
}

// The text of a value that is not null: of texts themselves, else in `room`.
std::string_view textOf(const Column& column, std::size_t row, char (&room)[kValueTextMax]) {
    const auto made = [&](const char* end) {
        return std::string_view(room, static_cast<std::size_t>(end - room));
    };
    switch (column.type) {
        case Type::kInt: return made(writeInt(room, column.as<Type::kInt>()[row]));
        case Type::kFloat: return made(writeFloat(room, column.as<Type::kFloat>()[row]));
        case Type::kBool: return boolText(column.as<Type::kBool>()[row]);
        case Type::kTime: return made(writeTime(room, column.as<Type::kTime>()[row]));
        case Type::kText:
        case Type::kJson: return column.as<Type::kText>()[row];
    }
    TM_CHECK(false, "a column has one of the types");
}

}  // namespace

char* writeInt(char* at, std::int64_t value) {
    return std::to_chars(at, at + kValueTextMax, value).ptr;
}

char* writeFloat(char* at, double value) {
    if (std::isnan(value)) return writeWord(at, "NaN");
    if (std::isinf(value)) return writeWord(at, value < 0 ? "-Infinity" : "Infinity");
    // As PostgreSQL lays the digits out: 100000, not 1e+05, which would be shorter.
    const double size = std::fabs(value);
    const bool isPlain = size == 0 || (size >= 1e-4 && size < 1e15);
    return std::to_chars(at, at + kValueTextMax, value,
                         isPlain ? std::chars_format::fixed : std::chars_format::scientific)
        .ptr;
}

char* writeTime(char* at, std::int64_t micros) {
    std::int64_t days = micros / kMicrosPerDay;
    std::int64_t inDay = micros % kMicrosPerDay;
    if (inDay < 0) {
        inDay += kMicrosPerDay;
        --days;
    }
    const CivilDay day = civilDayOf(days);
    if (day.year < 0) *at++ = '-';
    const std::int64_t year = day.year < 0 ? -day.year : day.year;
    at = writeDigits(at, year, year < 10'000 ? 4 : year < 100'000 ? 5 : 6);
    *at++ = '-';
    at = writeDigits(at, day.month, 2);
    *at++ = '-';
    at = writeDigits(at, day.day, 2);
    *at++ = 'T';
    const std::int64_t seconds = inDay / kMicrosPerSecond;
    at = writeDigits(at, seconds / 3600, 2);
    *at++ = ':';
    at = writeDigits(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = writeDigits(at, seconds % 60, 2);
    if (const std::int64_t fraction = inDay % kMicrosPerSecond; fraction != 0) {
        *at++ = '.';
        at = fraction % 1000 == 0 ? writeDigits(at, fraction / 1000, 3)
                                  : writeDigits(at, fraction, 6);
    }
    *at++ = 'Z';
    return at;
}

void appendText(std::string& out, const Column& column, std::size_t row,
                std::string_view nullText) {
    char room[kValueTextMax];
    out += column.isNull(row) ? nullText : textOf(column, row, room);
}

void appendJson(std::string& out, const Column& column, std::size_t row) {
    if (column.isNull(row)) {
        out += "null";
        return;
    }
    char room[kValueTextMax];
    const std::string_view text = textOf(column, row, room);
    const bool isQuoted =
        column.type == Type::kTime ||
        (column.type == Type::kFloat && !std::isfinite(column.as<Type::kFloat>()[row]));
    if (column.type == Type::kText) {
        appendJsonText(out, text);
    } else if (isQuoted) {
        out += '"';
        out += text;
        out += '"';
    } else {
        out += text;
    }
}

void appendJsonText(std::string& out, std::string_view bytes) {
    out += '"';
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    const char* plain = at;  // what is not yet appended and needs no change
    const auto flush = [&] { out.append(plain, static_cast<std::size_t>(at - plain)); };
    while (at != end) {
        const auto byte = static_cast<unsigned char>(*at);
        if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
            ++at;
            continue;
        }
        if (byte >= 0x80) {
            const std::size_t length =
                core::utf8SequenceLength({at, static_cast<std::size_t>(end - at)});
            if (length != 0) {
                at += length;
                continue;
            }
        }
        flush();
        if (byte >= 0x80) {
            out += "\xEF\xBF\xBD";
        } else if (byte == '"' || byte == '\\') {
            out += {'\\', static_cast<char>(byte)};
        } else if (byte == '\n') {
            out += "\\n";
        } else if (byte == '\t') {
            out += "\\t";
        } else if (byte == '\r') {
            out += "\\r";
        } else {
            constexpr char kHex[] = "0123456789abcdef";
            out += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
        }
        plain = ++at;
    }
    flush();
    out += '"';
}

void appendCsv(std::string& out, const Column& column, std::size_t row, char separator) {
    if (column.isNull(row)) return;
    char room[kValueTextMax];
    appendCsvText(out, textOf(column, row, room), separator);
}

void appendCsvText(std::string& out, std::string_view bytes, char separator) {
    const char special[] = {separator, '"', '\n', '\r'};
    const bool isQuoted =
        bytes.empty() || bytes.find_first_of({special, sizeof special}) != bytes.npos ||
        // Readers may trim, and take these three bytes at a text's start for a byte order mark.
        bytes.front() == ' ' || bytes.back() == ' ' || bytes.front() == '\t' ||
        bytes.back() == '\t' || bytes.starts_with("\xEF\xBB\xBF");
    if (!isQuoted) {
        out += bytes;
        return;
    }
    out += '"';
    for (const char c : bytes) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

void appendTsv(std::string& out, const Column& column, std::size_t row) {
    if (column.isNull(row)) {
        out += "\\N";
        return;
    }
    char room[kValueTextMax];
    for (const char c : textOf(column, row, room)) {
        switch (c) {
            case '\t': out += "\\t"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\\': out += "\\\\"; break;
            default: out += c;
        }
    }
}

}  // namespace tidemill::rows
