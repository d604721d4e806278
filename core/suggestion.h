// What a mistyped name may have been meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemill::core {

// ", did you mean \"…\"?" when one of `known` is near `word`, else "; known are: …"; nothing when
// nothing is known.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

}  // namespace tidemill::core
