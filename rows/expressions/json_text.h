// Parts of valid JSON, found by walking over its text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemill::rows::expressions {

// All take exactly one valid JSON value, with blanks around it or without; of another text they
// answer something, but stay within it.

// The value of the last member of that name; none: it is no object, or has no such member.
std::optional<std::string_view> jsonMember(std::string_view json, std::string_view name);
// The element from 0, or from the end from -1.
std::optional<std::string_view> jsonElement(std::string_view json, std::int64_t place);
// Of an array; none: it is none.
std::optional<std::int64_t> jsonArrayLength(std::string_view json);

// "object", "array", "string", "number", "boolean", "null".
std::string_view jsonKind(std::string_view json);
std::string_view withoutBlanks(std::string_view json);

// The text of a JSON string appended to `out`; false: it has an escape of no character (half of a
// surrogate pair, or \u0000, which no text of PostgreSQL has either).
bool appendUnescaped(std::string_view string, std::string& out);

}  // namespace tidemill::rows::expressions
