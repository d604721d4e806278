// How many lines a text has.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemill::core {

// As many as cutLines() finds: a last line without '\n' counts.
std::uint64_t countLines(std::string_view text);

}  // namespace tidemill::core
