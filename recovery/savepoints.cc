#include "recovery/savepoints.h"

#include <algorithm>

#include "core/failpoint.h"
#include "core/logging.h"
#include "recovery/segment.h"

namespace tidemill::recovery {

using core::ErrorKind;
using core::Path;
using core::Result;

namespace {

constexpr std::size_t kNameBytesMax = 64;

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool mayStand(char c) {
    return isLetter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}
bool isLeftover(std::string_view name) {
    return name.ends_with(kTemporarySuffix) || name.ends_with(kRemovedSuffix);
}

}  // namespace

Result<> checkSavepointName(std::string_view name) {
    if (!name.empty() && name.size() <= kNameBytesMax && isLetter(name.front()) &&
        std::all_of(name.begin(), name.end(), mayStand) && !isLeftover(name))
        return {};
    return core::fail(ErrorKind::kInvalid,
                      "\"" + core::escaped(name, kNameBytesMax) +
                          "\" is no name for a savepoint: it needs a letter first, then letters, "
                          "digits, '.', '_' or '-', " +
                          std::to_string(kNameBytesMax) +
                          " in all at most, and may not end in .tmp or .removed");
}

Result<std::vector<std::string>> Savepoints::names() const {
    auto all = files_.list(directory_);
    if (!all) {
        if (all.error().kind == ErrorKind::kNotFound) return std::vector<std::string>();
        return core::fail(all.error());
    }
    std::erase_if(*all, [](const auto& name) { return !checkSavepointName(name); });
    return std::move(*all);
}

core::Error Savepoints::noSuch(std::string_view name) const {
    std::string known;
    for (const auto& other : names().value_or(std::vector<std::string>()))
        known += (known.empty() ? "; there are: " : ", ") + other;
    return {ErrorKind::kNotFound, "no savepoint \"" + core::escaped(name, kNameBytesMax) + "\"" +
                                      (known.empty() ? "; there is none" : known) +
                                      ": directory=" + directory_.string()};
}

Result<Manifest> Savepoints::manifest(std::string_view name) const {
    TM_TRY(checkSavepointName(name));
    const Path path = pathOf(name) / kManifestFile;
    const auto bytes = core::readWholeFile(files_, path, kManifestBytesMax);
    if (!bytes && bytes.error().kind == ErrorKind::kNotFound && !files_.exists(pathOf(name)))
        return core::fail(noSuch(name));
    if (!bytes) return core::fail(bytes.error());
    auto decoded = decodeManifest(*bytes);
    if (!decoded)
        return core::fail(decoded.error().kind, decoded.error().message + " file=" + path.string());
    return decoded;
}

Result<> Savepoints::mayMake(std::string_view name) const {
    TM_TRY(checkSavepointName(name));
    TM_ASSIGN(const auto there, names());
    if (std::find(there.begin(), there.end(), name) != there.end())
        return core::fail(ErrorKind::kConflict, "there is a savepoint \"" + std::string(name) +
                                                    "\" already: remove it, or take another name");
    if (there.size() >= kSavepointsMax)
        return core::fail(ErrorKind::kConflict, "there are " + std::to_string(there.size()) +
                                                    " savepoints, which is as many as a data "
                                                    "directory keeps: remove one first");
    return {};
}

// A published generation never changes, but for the mark of suspicion, which stays with it.
Result<> Savepoints::link(const Path& generation, const Path& into) {
    TM_ASSIGN(const auto list, files_.list(generation));
    for (const auto& file : list) {
        if (file == kSuspectFile) continue;
        TM_TRY(core::linkOrCopy(files_, generation / file, into / file));
        TM_FAILPOINT("savepoint.midLink");
    }
    return files_.syncDirectory(into);
}

Result<> Savepoints::make(std::string_view name, const Path& generation) {
    TM_TRY(mayMake(name));
    const Path temporary = pathOf(name).string() + std::string(kTemporarySuffix);
    TM_TRY(files_.createDirectory(directory_));
    TM_TRY(files_.syncDirectory(core::parentOf(directory_)));
    TM_TRY(files_.removeTree(temporary));
    TM_TRY(files_.createDirectory(temporary));
    const auto publish = [&]() -> Result<> {
        TM_TRY(link(generation, temporary));
        TM_FAILPOINT("savepoint.beforeRename");
        return files_.rename(temporary, pathOf(name));
    };
    if (auto published = publish(); !published) {
        (void)files_.removeTree(temporary);
        return published;
    }
    const auto sync = [&]() -> Result<> {
        TM_FAILPOINT("savepoint.beforeDirSync");
        return files_.syncDirectory(directory_);
    };
    auto synced = sync();
    if (!synced) (void)remove(name);
    return synced;
}

Result<> Savepoints::remove(std::string_view name) {
    TM_TRY(checkSavepointName(name));
    if (!files_.exists(pathOf(name))) return core::fail(noSuch(name));
    const Path removed = pathOf(name).string() + std::string(kRemovedSuffix);
    TM_TRY(files_.removeTree(removed));
    TM_TRY(core::renameDurably(files_, pathOf(name), removed));
    TM_ASSIGN(const auto list, files_.list(removed));
    for (const auto& file : list) TM_TRY(files_.unlinkGradually(removed / file));
    return files_.removeTree(removed);
}

Result<> Savepoints::removeLeftovers() {
    const auto all = files_.list(directory_);
    if (!all)
        return all.error().kind == ErrorKind::kNotFound ? Result<>() : core::fail(all.error());
    for (const auto& name : *all)
        if (isLeftover(name)) TM_TRY(files_.removeTree(directory_ / name));
    return {};
}

}  // namespace tidemill::recovery
