#include "sources/file_access.h"

#include <algorithm>
#include <array>
#include <utility>

#include <xxhash.h>
#include "sources/directory_watch.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::size_t kHeldMax = 16;
constexpr std::chrono::seconds kLocateAgain{2};

}  // namespace

Result<std::uint64_t> hashOf(core::File& file, std::uint64_t begin, std::uint64_t size) {
    std::array<char, kHashedBytes> bytes;
    TM_ASSIGN(const auto got, file.readAt(begin, bytes.data(), std::min(size, kHashedBytes)));
    return XXH3_64bits(bytes.data(), got);
}

Result<std::uint64_t> tailHashOf(core::File& file, std::uint64_t begin, std::uint64_t end) {
    const auto size = std::min(end - begin, kHashedBytes);
    return hashOf(file, end - size, size);
}

void FileAccess::hold(FileId id, std::shared_ptr<core::File> file) {
    std::lock_guard lock(mutex_);
    if (held_.size() < kHeldMax) held_[id] = std::move(file);
}

void FileAccess::releaseExcept(const std::set<FileId>& wanted) {
    std::lock_guard lock(mutex_);
    std::erase_if(held_, [&](const auto& held) { return !wanted.contains(held.first); });
}

std::shared_ptr<core::File> FileAccess::held(FileId id) const {
    std::lock_guard lock(mutex_);
    const auto found = held_.find(id);
    return found == held_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<core::File>> FileAccess::openSame(const FileMark& mark,
                                                         std::string& path) const {
    const auto open = [&](const std::string& at) -> Result<std::shared_ptr<core::File>> {
        TM_ASSIGN(std::shared_ptr<core::File> file, files_.open(at, core::OpenMode::kRead));
        TM_ASSIGN(const auto info, file->info());
        const bool same =
            FileId{info.device, info.inode} == mark.id &&
            (info.bornNanos == mark.bornNanos || info.bornNanos == 0 || mark.bornNanos == 0);
        if (!same) return fail(ErrorKind::kNotFound, "another file has the name now: file=" + at);
        return file;
    };
    auto opened = open(path);
    if (opened || opened.error().kind != ErrorKind::kNotFound) return opened;
    const auto now = find(mark.id);
    if (now.empty()) return opened;
    opened = open(now);
    if (opened) path = now;
    return opened;
}

std::string FileAccess::find(FileId id) const {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (located_.empty() || now - locatedAt_ > kLocateAgain) {
        located_.clear();
        DirectoryWatch all(files_, directories_);
        all.look([&](const std::string& path, const auto& entry) { located_[entry.id] = path; },
                 [](const std::string&, const auto&) {});
        locatedAt_ = now;
    }
    const auto found = located_.find(id);
    return found == located_.end() ? std::string() : found->second;
}

}  // namespace tidemill::sources
