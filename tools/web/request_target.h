// What a request asks for: its path in parts and its query, decoded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace tidemill::tools {

struct RequestTarget {
    static constexpr std::size_t kBytesMax = 8 << 10;
    static constexpr std::size_t kArgumentsMax = 32;

    // "/api/v1/status" is {"api", "v1", "status"}, "/" is {""}. Each part was decoded by itself: a
    // slash in one is none that parts paths.
    std::vector<std::string> path;
    // In the order of the query; no name comes twice.
    std::vector<std::pair<std::string, std::string>> arguments;
};

// Of the bytes that stand in a request's first line. Errors: kInvalid, in words: longer than
// kBytesMax, no path from the root, a "%" without two hexadecimal digits, control characters (they
// may be written as such or by "%"), a name that comes twice, too many names.
core::Result<RequestTarget> parseTarget(std::string_view text);

}  // namespace tidemill::tools
