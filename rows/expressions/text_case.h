// Upper and lower case of Unicode, whatever the process's locale.
#pragma once

#include <string_view>

#include "core/arena.h"

namespace tidemill::rows::expressions {

// Characters that are not UTF-8 stay as they are. The answer lives as long as the arena or the
// text.
std::string_view lowerCase(std::string_view text, core::Arena& arena);
std::string_view upperCase(std::string_view text, core::Arena& arena);

}  // namespace tidemill::rows::expressions
