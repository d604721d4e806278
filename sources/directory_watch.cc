#include "sources/directory_watch.h"

#include <fnmatch.h>

#include <algorithm>

#include "core/logging.h"

namespace tidemill::sources {

using core::ErrorKind;

namespace {

// A directory's time of change is as coarse as its file system makes it; before it is this old, a
// change may not move it.
constexpr std::chrono::seconds kCoarseTime{3};
// Directories of other machines may tell of changes late.
constexpr std::chrono::seconds kListAgain{10};

constexpr const char* kPatternCharacters = "*?[";

bool isVisible(const std::string& name) {
    return !name.starts_with('.') && !name.ends_with(".tmp");
}

std::vector<std::string> partsOf(const std::string& pattern) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    while (begin < pattern.size()) {
        const auto end = std::min(pattern.find('/', begin), pattern.size());
        if (end > begin) parts.push_back(pattern.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

}  // namespace

DirectoryWatch::DirectoryWatch(core::FileSystem& files, std::string directories)
    : files_(files), directories_(std::move(directories)) {}

std::vector<std::string> DirectoryWatch::matching() {
    if (directories_.find_first_of(kPatternCharacters) == std::string::npos) return {directories_};
    std::vector<std::string> found;
    expand(directories_.starts_with('/') ? "/" : "", partsOf(directories_), 0, found);
    return found;
}

void DirectoryWatch::expand(const std::string& base, const std::vector<std::string>& parts,
                            std::size_t part, std::vector<std::string>& into) {
    if (part == parts.size()) return into.push_back(base);
    const std::string begin = base.empty() || base.ends_with('/') ? base : base + "/";
    const auto& pattern = parts[part];
    if (pattern.find_first_of(kPatternCharacters) == std::string::npos)
        return expand(begin + pattern, parts, part + 1, into);
    const auto names = files_.list(base.empty() ? "." : base);
    if (!names) {
        // Directories that match may lie below one that cannot be listed.
        if (names.error().kind == ErrorKind::kNotFound) return;
        complete_ = false;
        if (!std::exchange(complainedOfPattern_, true))
            core::logWarning("a directory cannot be searched for directories to take files from: " +
                             names.error().message);
        return;
    }
    for (const auto& name : *names) {
        if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
        const auto info = files_.info(begin + name);
        if (info && info->isDirectory) expand(begin + name, parts, part + 1, into);
    }
}

void DirectoryWatch::look(const Visit& seen, const Visit& gone) {
    complete_ = true;
    devices_.clear();
    const auto directories = matching();
    for (const auto& path : directories) {
        auto& directory = found_[path];
        if (lookAt(path, directory, seen, gone)) {
            if (directory.listed) devices_.insert(directory.id.device);
        } else {
            complete_ = false;
        }
    }
    // Directories that no longer match a pattern.
    for (auto at = found_.begin(); at != found_.end();) {
        const bool matches =
            std::find(directories.begin(), directories.end(), at->first) != directories.end();
        if (matches || !complete_) {
            ++at;
            continue;
        }
        for (const auto& [name, entry] : at->second.entries)
            removeName(at->first + "/" + name, entry, gone);
        at = found_.erase(at);
    }
}

void DirectoryWatch::complain(Directory& directory, const core::Error& error) {
    if (!std::exchange(directory.complained, true))
        core::logWarning("no files are taken from a directory that cannot be read: " +
                         error.message);
}

bool DirectoryWatch::lookAt(const std::string& path, Directory& directory, const Visit& seen,
                            const Visit& gone) {
    const auto now = Clock::now();
    const auto info = files_.info(path);
    if (!info || !info->isDirectory) {
        const auto error =
            info ? core::Error{ErrorKind::kInvalid, "not a directory: " + path} : info.error();
        complain(directory, error);
        if (error.kind != ErrorKind::kNotFound) return false;
        for (const auto& [name, entry] : std::exchange(directory.entries, {}))
            removeName(path + "/" + name, entry, gone);
        directory.listed = false;
        return true;
    }
    const FileId id{info->device, info->inode};
    if (!directory.listed || directory.id != id || directory.modifiedNanos != info->modifiedNanos)
        directory.unchangedSince = now;
    const bool unchanged = directory.listed && directory.id == id &&
                           directory.modifiedNanos == info->modifiedNanos &&
                           directory.listedAt - directory.unchangedSince >= kCoarseTime &&
                           now - directory.listedAt < kListAgain;
    directory.id = id;
    directory.modifiedNanos = info->modifiedNanos;
    if (!unchanged) {
        if (!list(path, directory, seen, gone)) return false;
        directory.listedAt = now;
        directory.listed = true;
        directory.complained = false;
    }
    auto at = directory.entries.lower_bound(directory.next);
    for (std::size_t left = std::min(kRecheckedMax, directory.entries.size()); left > 0; --left) {
        if (at == directory.entries.end()) at = directory.entries.begin();
        if (at == directory.entries.end()) break;
        recheck(path, at, directory, seen, gone);
    }
    directory.next = at == directory.entries.end() ? std::string() : at->first;
    return true;
}

bool DirectoryWatch::list(const std::string& path, Directory& directory, const Visit& seen,
                          const Visit& gone) {
    const auto names = files_.list(path);
    if (!names) {
        complain(directory, names.error());
        return false;
    }
    // Both are sorted.
    auto at = directory.entries.begin();
    for (const auto& name : *names) {
        if (!isVisible(name)) continue;
        for (; at != directory.entries.end() && at->first < name; at = directory.entries.erase(at))
            removeName(path + "/" + at->first, at->second, gone);
        if (at != directory.entries.end() && at->first == name) {
            ++at;
            continue;
        }
        const auto info = files_.info(path + "/" + name);
        if (!info || !info->isRegular) continue;  // gone again, or nothing that can be read
        const Entry entry{
            {info->device, info->inode}, info->bornNanos, info->sizeBytes, info->modifiedNanos};
        at = std::next(directory.entries.emplace_hint(at, name, entry));
        ++names_[entry.id];
        seen(path + "/" + name, entry);
    }
    for (; at != directory.entries.end(); at = directory.entries.erase(at))
        removeName(path + "/" + at->first, at->second, gone);
    return true;
}

void DirectoryWatch::recheck(const std::string& path, std::map<std::string, Entry>::iterator& at,
                             Directory& directory, const Visit& seen, const Visit& gone) {
    const std::string file = path + "/" + at->first;
    const auto info = files_.info(file);
    Entry now;
    if (info)
        now = {{info->device, info->inode}, info->bornNanos, info->sizeBytes, info->modifiedNanos};
    const bool there = info && info->isRegular;
    if (!there || now.id != at->second.id || now.bornNanos != at->second.bornNanos) {
        removeName(file, at->second, gone);
        if (!there) {
            at = directory.entries.erase(at);
            return;
        }
        ++names_[now.id];
    }
    at->second = now;
    ++at;
    seen(file, now);
}

void DirectoryWatch::removeName(const std::string& path, const Entry& entry, const Visit& gone) {
    const auto names = names_.find(entry.id);
    if (names != names_.end() && --names->second == 0) names_.erase(names);
    gone(path, entry);
}

std::string DirectoryWatch::pathOf(FileId id) const {
    if (!isPresent(id)) return {};
    for (const auto& [path, directory] : found_)
        for (const auto& [name, entry] : directory.entries)
            if (entry.id == id) return path + "/" + name;
    return {};
}

}  // namespace tidemill::sources
