// Which files a stream follows: a path whose directories and whose last name may be patterns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.h"

namespace tidemill::sources::follow {

// Positions are kept under it.
inline constexpr std::size_t kPathBytesMax = 400;

struct FollowPath {
    std::string directories;  // a directory, or a glob(7) pattern of directories
    std::string names;        // a glob(7) pattern of names in them
};

// "logs/app.log", "logs/*.log", "day-*/app.log"; with a '/' at its end all files of a directory.
// Errors: kInvalid for an empty one, or one that is too long.
core::Result<FollowPath> splitFollowPath(std::string_view path);

// Whether a file of this name (no directories) is one to be followed.
bool isWanted(const FollowPath& path, const std::string& name);

// Whether rotation makes such a name of a wanted one: "app.log.1", "app.log-20261130" of "app.log".
bool isRotatedName(const FollowPath& path, std::string_view name);

// By its ending a file of compressed text, which nobody appends lines to.
bool isCompressedName(std::string_view name);

// The part of a path behind its last '/'.
std::string_view nameOf(std::string_view path);

}  // namespace tidemill::sources::follow
