#include "core/operators/save_as_text_files.h"

#include <cstdio>

namespace tidemill::core {

Result<> refuseExistingResults(FileSystem& files, const std::string& prefix) {
    const Path path(prefix);
    const Path parent = path.has_parent_path() ? path.parent_path() : Path(".");
    const auto listed = files.list(parent);
    if (!listed)
        return fail(listed.error().kind, "the directory that an output writes into cannot be read: "
                                         "prefix=" + prefix + " directory=" + parent.string() + ": " +
                                             listed.error().message);
    const std::string begin = path.filename().string() + "-";
    for (const auto& name : *listed)
        if (name.starts_with(begin))
            return fail(ErrorKind::kConflict,
                        "results exist already under the prefix of an output, and the data "
                        "directory is new: prefix=" + prefix + " found=" + (parent / name).string() +
                            "; remove them, choose another prefix, or use the data directory "
                            "that wrote them");
    return {};
}

std::string partName(std::uint32_t partition) {
    char name[32];
    std::snprintf(name, sizeof name, "part-%05u", partition);
    return name;
}

}  // namespace tidemill::core
