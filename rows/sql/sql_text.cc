#include "rows/sql/sql_text.h"

#include <algorithm>

namespace tidemill::rows::sql {

tl::unexpected<core::Error> SqlText::fail(std::size_t at, const std::string& message) const {
    if (at == kNowhere) return core::fail(core::ErrorKind::kInvalid, message);
    const std::string_view before = text_.substr(0, std::min(at, text_.size()));
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::string_view line = before.substr(lines == 0 ? 0 : before.rfind('\n') + 1);
    const auto characters = std::count_if(line.begin(), line.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    std::string place;
    if (text_.find('\n') != std::string_view::npos)
        place = "line " + std::to_string(lines + 1) + ", ";
    return core::fail(core::ErrorKind::kInvalid,
                      place + "character " + std::to_string(characters + 1) + ": " + message);
}

}  // namespace tidemill::rows::sql
