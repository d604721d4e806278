#include "core/operators/save_as_text_files.h"

#include <charconv>
#include <cstdio>

namespace tidemill::core {

namespace {

// Names in the directory that `prefix` stands in.
Result<std::vector<std::string>> namesBeside(FileSystem& files, const std::string& prefix) {
    const Path parent = parentOf(prefix);
    auto listed = files.list(parent);
    if (!listed)
        return fail(listed.error().kind,
                    "the directory that an output writes into cannot be read: "
                    "prefix=" +
                        prefix + " directory=" + parent.string() + ": " + listed.error().message);
    return listed;
}

}  // namespace

Result<> refuseNewerResults(FileSystem& files, const std::string& prefix, const std::string& suffix,
                            const OutputOpening& opening) {
    const Boundary& last = opening.last;
    TM_ASSIGN(const auto names, namesBeside(files, prefix));
    const std::string begin = Path(prefix).filename().string() + "-";
    const std::string end = suffix.empty() ? "" : "." + suffix;
    for (const std::string_view name : names) {
        if (!name.starts_with(begin) || !name.ends_with(end) ||
            name.size() <= begin.size() + end.size())
            continue;
        const auto digits = name.substr(begin.size(), name.size() - begin.size() - end.size());
        std::int64_t millis = 0;
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), millis);
        if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) continue;
        if (millis <= toMillis(last.time)) continue;
        const Path found = parentOf(prefix) / name;
        const auto mark = readResultMark(files, found / kResultMarkName);
        return fail(ErrorKind::kConflict,
                    "results under the prefix of an output are newer than the data directory: "
                    "found=" +
                        found.string() + " of " +
                        (mark && *mark ? describe(**mark) : std::string("a batch unnamed")) +
                        "; data directory " + opening.owner + " has come to batch " +
                        toString(last.batch) + " at " + std::to_string(toMillis(last.time)) +
                        " ms. Was it restored from an older copy? Move the newer results away and "
                        "start again, or use the data directory that wrote them");
    }
    return {};
}

Result<> refuseExistingResults(FileSystem& files, const std::string& prefix) {
    const Path path(prefix);
    const Path parent = parentOf(path);
    TM_ASSIGN(const auto listed, namesBeside(files, prefix));
    const std::string begin = path.filename().string() + "-";
    for (const auto& name : listed)
        if (name.starts_with(begin))
            return fail(ErrorKind::kConflict,
                        "results exist already under the prefix of an output, and the data "
                        "directory is new: prefix=" +
                            prefix + " found=" + (parent / name).string() +
                            "; remove them, choose another prefix, or use the data directory "
                            "that wrote them");
    return {};
}

std::string partName(std::uint32_t partition) {
    char name[32];
    std::snprintf(name, sizeof name, "part-%05u", partition);
    return name;
}

std::string textFilesPlace(const std::string& prefix, const std::string& suffix) {
    return absolutePlace(prefix + "-*." + suffix);
}

}  // namespace tidemill::core
