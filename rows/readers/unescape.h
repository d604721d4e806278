// Escapes in quoted texts.
#pragma once

#include <optional>
#include <string_view>

#include "core/arena.h"

namespace tidemill::rows {

// JSON's: \" \\ \/ \b \f \n \r \t \uXXXX, with pairs of surrogates; one that stands alone becomes
// U+FFFD. Nothing when another escape is there. The answer is in `arena`.
std::optional<std::string_view> unescapeJson(std::string_view text, core::Arena& arena);

// Of web servers' logs: \" \\ \b \f \n \r \t \v \xHH; a backslash before anything else is itself.
std::string_view unescapeLog(std::string_view text, core::Arena& arena);

}  // namespace tidemill::rows
