// What Python's str knows of UTF-8, without making a str.
#pragma once

#include <cstddef>
#include <string_view>

namespace tidemill::python {

bool isAscii(std::string_view text);
// As Python's decoder has it.
bool isUtf8(std::string_view text);
// Whether ASCII's control characters 28 … 31, which Python takes for white space and others do
// not, or characters beyond ASCII occur.
bool hasUncommonSpace(std::string_view text);
// Bytes of the white space, as str.isspace() has it, that valid UTF-8 begins or ends with; 0: none.
std::size_t leadingSpace(std::string_view text);
std::size_t trailingSpace(std::string_view text);

}  // namespace tidemill::python
