// Cutting text into lines.
#pragma once

#include <cstring>
#include <string_view>

namespace tidemill::core {

// Calls take(line) for each line of `text`, without its '\n' and one '\r' before that. A last line
// without '\n' counts. take returns false to stop.
template <class Take>
void cutLines(std::string_view text, Take&& take) {
    while (!text.empty()) {
        const void* found = std::memchr(text.data(), '\n', text.size());
        const std::size_t size =
            found == nullptr
                ? text.size()
                : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
        std::string_view line = text.substr(0, size);
        text.remove_prefix(found == nullptr ? size : size + 1);
        if (found != nullptr && !line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!take(line)) return;
    }
}

}  // namespace tidemill::core
