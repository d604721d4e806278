#include "core/chunk.h"

#include <array>

#include "core/cut_lines.h"

namespace tidemill::core {

void Sink<std::string_view>::takeText(std::string_view text) {
    std::array<std::string_view, kChunkElements> lines;
    std::size_t count = 0;
    std::size_t limit = std::min(wanted(), kChunkElements);
    cutLines(text, [&](std::string_view line) {
        if (limit == 0) return false;
        lines[count++] = line;
        if (count < limit) return true;
        take(std::span<std::string_view>(lines.data(), count));
        count = 0;
        limit = std::min(wanted(), kChunkElements);
        return true;
    });
    if (count != 0) take(std::span<std::string_view>(lines.data(), count));
}

}  // namespace tidemill::core
