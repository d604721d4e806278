#include "sources/file_access.h"

#include <utility>

#include "sources/directory_watch.h"

namespace tidemill::sources {

using core::ErrorKind;
using core::fail;
using core::Result;

namespace {

constexpr std::size_t kHeldMax = 16;
constexpr std::chrono::seconds kLocateAgain{2};

}  // namespace

void FileAccess::hold(FileId id, std::shared_ptr<FileText> text) {
    std::lock_guard lock(mutex_);
    if (held_.size() < kHeldMax) held_[id] = std::move(text);
}

void FileAccess::holdDecompressed(FileId id, std::shared_ptr<FileText> text) {
    std::lock_guard lock(mutex_);
    held_[id] = std::move(text);
}

void FileAccess::release(FileId id) {
    std::lock_guard lock(mutex_);
    held_.erase(id);
}

void FileAccess::releaseExcept(const std::set<FileId>& wanted) {
    std::lock_guard lock(mutex_);
    std::erase_if(held_, [&](const auto& held) { return !wanted.contains(held.first); });
}

std::shared_ptr<FileText> FileAccess::held(FileId id) const {
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
