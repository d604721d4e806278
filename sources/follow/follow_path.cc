#include "sources/follow/follow_path.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace tidemill::sources::follow {

using core::ErrorKind;

core::Result<FollowPath> splitFollowPath(std::string_view path) {
    if (path.empty())
        return core::fail(ErrorKind::kInvalid,
                          "the path of files to follow is empty; it is a file's, such as "
                          "\"logs/app.log\", a pattern, or a directory's with a '/' at its end");
    if (path.size() > kPathBytesMax)
        return core::fail(ErrorKind::kInvalid,
                          "the path of files to follow has " + std::to_string(path.size()) +
                              " bytes; at most " + std::to_string(kPathBytesMax) +
                              " are possible, since positions are kept under it: follow files by a "
                              "shorter one");
    const auto slash = path.rfind('/');
    FollowPath split;
    split.directories = slash == path.npos ? "." : std::string(path.substr(0, slash));
    if (split.directories.empty()) split.directories = "/";
    split.names = std::string(slash == path.npos ? path : path.substr(slash + 1));
    if (split.names.empty()) split.names = "*";
    return split;
}

bool isWanted(const FollowPath& path, const std::string& name) {
    return ::fnmatch(path.names.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

bool isRotatedName(const FollowPath& path, std::string_view name) {
    constexpr std::string_view kSeparators = ".-_";
    const auto suffix = name.find_last_not_of("0123456789.-_") + 1;
    for (auto i = std::max<std::size_t>(suffix, 1); i + 1 < name.size(); ++i)
        if (kSeparators.find(name[i]) != kSeparators.npos &&
            name.find_first_of("0123456789", i) != name.npos &&
            isWanted(path, std::string(name.substr(0, i))))
            return true;
    return false;
}

bool isCompressedName(std::string_view name) {
    constexpr std::array<std::string_view, 8> kEndings{".gz",  ".zst",  ".bz2", ".xz",
                                                       ".lz4", ".lzma", ".Z",   ".zip"};
    return std::any_of(kEndings.begin(), kEndings.end(),
                       [&](std::string_view ending) { return name.ends_with(ending); });
}

std::string_view nameOf(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == path.npos ? path : path.substr(slash + 1);
}

}  // namespace tidemill::sources::follow
