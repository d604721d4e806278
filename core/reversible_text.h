// Any bytes as printable text that can be read back: what is no printable UTF-8 as \xNN, a
// backslash doubled.
#pragma once

#include <string>
#include <string_view>

namespace tidemill::core {

void appendReversible(std::string& out, std::string_view bytes);

// The bytes that `text` stands for; a backslash that begins no escape is itself.
std::string fromReversible(std::string_view text);

}  // namespace tidemill::core
