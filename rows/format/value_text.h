// Values of columns as text: for people, and as JSON.
#pragma once

#include <cstdint>
#include <string>

#include "rows/chunk.h"
#include "rows/schema.h"

namespace tidemill::rows {

// "2024-03-01T12:00:00Z", with a fraction of up to six digits when it is not whole.
void appendTime(std::string& out, std::int64_t micros);
// The shortest text that reads back as the same number; "NaN", "Infinity", "-Infinity".
void appendFloat(std::string& out, double value);

// As a person reads it: numbers and texts as they are, a JSON string without its quotes; nothing
// for null.
void appendValue(std::string& out, const Column& column, std::size_t row);

// `"name": value`, valid JSON always: null, numbers as numbers (NaN and infinities as strings),
// times as strings; a text that is no UTF-8 as `"name_base64": "…"`.
void appendJsonMember(std::string& out, const std::string& name, const Column& column,
                      std::size_t row);

// The value alone, likewise; bytes that are no UTF-8 as base64.
void appendJsonValue(std::string& out, const Column& column, std::size_t row);

// "(a,b,c)", as a tuple is printed: bytes that are no printable UTF-8 as \xNN.
void appendTuple(std::string& out, const Chunk& chunk, std::size_t row);

// The text of a JSON string without quotes and escapes; other JSON as it is.
std::string unquotedJson(std::string_view json);

}  // namespace tidemill::rows
