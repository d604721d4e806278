// Keys and values of state tables, shown by the types that the operator's signature names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::tools {

// The types in a signature such as "runningTotals key=string value=i64"; empty when it does not
// say.
struct TableTypes {
    std::string key;
    std::string value;
};
TableTypes typesOf(std::string_view signature);

// Appends "NAME": … as JSON: a number for numbers, a string for text, NAME_base64 for other bytes.
void appendTypedKey(std::string& out, const std::string& type, std::string_view bytes);
void appendTypedValue(std::string& out, const std::string& type, std::string_view bytes);

// The same for people: numbers and printable text as they are, other bytes as \xNN, a
// backslash doubled.
std::string shownKey(const std::string& type, std::string_view bytes);
std::string shownValue(const std::string& type, std::string_view bytes);

// The bytes of a key that a person typed as shownKey shows it. Errors: kInvalid.
core::Result<std::string> typedKey(const std::string& type, const std::string& text);

}  // namespace tidemill::tools
