// Values as text, JSON and CSV. Each text is read back by rows/parse_value.h as the same value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rows/chunk.h"

namespace tidemill::rows {

// Room for any int, float or time.
inline constexpr std::size_t kValueTextMax = 40;

// Each writes to `at` without a terminating zero and answers where the text ends.
char* writeInt(char* at, std::int64_t value);
// The fewest digits that read back as the same: "0.1", "100000", "5", from 1e+15 and below 0.0001
// with an exponent; "NaN", "Infinity", "-Infinity".
char* writeFloat(char* at, double value);
// "2024-02-29T12:30:59Z", with milliseconds or microseconds where there are any.
char* writeTime(char* at, std::int64_t micros);
inline std::string_view boolText(std::uint8_t value) { return value != 0 ? "true" : "false"; }

// Row `row` of the column as text; null is `nullText`.
void appendText(std::string& out, const Column& column, std::size_t row,
                std::string_view nullText = {});

// One JSON value: numbers as numbers, texts and times as strings, null as null, json as it is. NaN
// and infinities, which JSON has no numbers for, are the strings "NaN", "Infinity", "-Infinity"
// (as PostgreSQL writes them). Bytes that are not UTF-8 become U+FFFD.
void appendJson(std::string& out, const Column& column, std::size_t row);
void appendJsonText(std::string& out, std::string_view bytes);

// One field of RFC 4180, quoted where that is needed. Null is nothing, a text of no bytes is "".
void appendCsv(std::string& out, const Column& column, std::size_t row, char separator = ',');
void appendCsvText(std::string& out, std::string_view bytes, char separator = ',');

// One field of tab-separated text as PostgreSQL's COPY has it: tab, line feed, carriage return and
// backslash escaped by a backslash, null as "\N".
void appendTsv(std::string& out, const Column& column, std::size_t row);

}  // namespace tidemill::rows
