// Guards the TOML parser, which recurses once for each part of a dotted key.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "tools/job_file.h"

namespace tidemill::tools {

inline constexpr std::size_t kKeyPartsMax = 32;

// Where the first key, or table header, of more than kKeyPartsMax parts stands.
std::optional<Position> findDeepKey(std::string_view text);

}  // namespace tidemill::tools
