// Taking texts apart from their beginning.
#pragma once

#include <optional>
#include <string_view>

namespace tidemill::core {

// What stands before `end`, which `text` loses with it; none when `end` does not come.
inline std::optional<std::string_view> splitOff(std::string_view& text, char end) {
    const auto place = text.find(end);
    if (place == text.npos) return std::nullopt;
    const auto taken = text.substr(0, place);
    text.remove_prefix(place + 1);
    return taken;
}

}  // namespace tidemill::core
