#include "tests/support/fault_file_system.h"

#include <cerrno>
#include <string>

namespace tidemill::testing {

using core::OpenMode;
using core::Path;

class FaultFileSystem::FaultFile final : public core::File {
public:
    FaultFile(FaultFileSystem& owner, std::unique_ptr<core::File> inner)
        : owner_(owner), inner_(std::move(inner)) {}

    core::Result<> writeAt(std::uint64_t offset, std::span<const iovec> pieces) override {
        bool crashing = false;
        if (auto changed = owner_.change("write", &crashing); !changed) {
            if (crashing) (void)inner_->writeAt(offset, firstHalf(pieces));
            return changed;
        }
        return inner_->writeAt(offset, pieces);
    }
    core::Result<std::size_t> readAt(std::uint64_t offset, char* into,
                                     std::size_t length) override {
        TM_TRY(owner_.alive());
        return inner_->readAt(offset, into, length);
    }
    core::Result<> sync() override {
        TM_TRY(owner_.change("sync"));
        return inner_->sync();
    }
    core::Result<> allocate(std::uint64_t offset, std::uint64_t length) override {
        TM_TRY(owner_.change("allocate"));
        return inner_->allocate(offset, length);
    }
    core::Result<> truncate(std::uint64_t sizeBytes) override {
        TM_TRY(owner_.change("truncate"));
        return inner_->truncate(sizeBytes);
    }
    core::Result<std::uint64_t> sizeBytes() override {
        TM_TRY(owner_.alive());
        return inner_->sizeBytes();
    }

    core::Result<core::FileInfo> info() override {
        TM_TRY(owner_.alive());
        return owner_.shown(inner_->info());
    }

private:
    static std::string firstHalf(std::span<const iovec> pieces) {
        std::string bytes;
        for (const auto& piece : pieces)
            bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        bytes.resize(bytes.size() / 2);
        return bytes;
    }
    FaultFileSystem& owner_;
    std::unique_ptr<core::File> inner_;
};

void FaultFileSystem::arm(Fault fault, std::uint64_t atChange) {
    std::lock_guard lock(mutex_);
    fault_ = fault;
    atChange_ = atChange;
    changes_ = 0;
}

bool FaultFileSystem::fired() const {
    std::lock_guard lock(mutex_);
    return fault_ != Fault::kNone && changes_ >= atChange_;
}

std::uint64_t FaultFileSystem::changes() const {
    std::lock_guard lock(mutex_);
    return changes_;
}

core::Result<> FaultFileSystem::change(const char* what, bool* crashing) {
    std::lock_guard lock(mutex_);
    ++changes_;
    if (fault_ == Fault::kNone || changes_ < atChange_) return {};
    const auto where = std::string(what) + " is change number " + std::to_string(changes_);
    switch (fault_) {
        case Fault::kNone: return {};
        case Fault::kErrorOnce:
            return changes_ == atChange_ ? core::Result<>(core::failErrno(EIO, where))
                                         : core::Result<>();
        case Fault::kNoSpace:
            return changes_ == atChange_ ? core::Result<>(core::failErrno(ENOSPC, where))
                                         : core::Result<>();
        case Fault::kErrorForEver: return core::failErrno(EIO, where);
        case Fault::kCrash:
            if (crashing != nullptr) *crashing = changes_ == atChange_;
            return core::failErrno(EIO, "crashed: " + where);
    }
    return {};
}

core::Result<> FaultFileSystem::alive() const {
    std::lock_guard lock(mutex_);
    if (fault_ == Fault::kCrash && changes_ >= atChange_) return core::failErrno(EIO, "crashed");
    return {};
}

void FaultFileSystem::refuse(const Path& path, bool refused) {
    std::lock_guard lock(mutex_);
    if (refused) refused_.insert(path);
    else refused_.erase(path);
}

void FaultFileSystem::onRead(std::function<void(const Path&)> visit) {
    std::lock_guard lock(mutex_);
    onRead_ = std::move(visit);
}

void FaultFileSystem::hideBirths() {
    std::lock_guard lock(mutex_);
    birthsHidden_ = true;
}

core::Result<core::FileInfo> FaultFileSystem::shown(core::Result<core::FileInfo> info) const {
    std::lock_guard lock(mutex_);
    if (info && birthsHidden_) info->bornNanos = 0;
    return info;
}

core::Result<std::unique_ptr<core::File>> FaultFileSystem::open(const Path& path, OpenMode mode) {
    {
        std::lock_guard lock(mutex_);
        if (refused_.contains(path))
            return core::failErrno(EACCES, "open failed: file=" + path.string());
        if (onRead_ && mode == OpenMode::kRead) onRead_(path);
    }
    if (mode == OpenMode::kCreate || mode == OpenMode::kReplace) {
        TM_TRY(change("create"));
    } else {
        TM_TRY(alive());
    }
    TM_ASSIGN(auto file, inner_.open(path, mode));
    return std::make_unique<FaultFile>(*this, std::move(file));
}

core::Result<core::FileInfo> FaultFileSystem::info(const Path& path) {
    TM_TRY(alive());
    return shown(inner_.info(path));
}

core::Result<std::vector<std::string>> FaultFileSystem::list(const Path& directory) {
    TM_TRY(alive());
    return inner_.list(directory);
}

core::Result<> FaultFileSystem::createDirectory(const Path& path) {
    TM_TRY(change("mkdir"));
    return inner_.createDirectory(path);
}

core::Result<> FaultFileSystem::rename(const Path& from, const Path& to) {
    TM_TRY(change("rename"));
    return inner_.rename(from, to);
}

core::Result<> FaultFileSystem::link(const Path& existing, const Path& added) {
    TM_TRY(change("link"));
    return inner_.link(existing, added);
}

core::Result<> FaultFileSystem::unlink(const Path& path) {
    TM_TRY(change("unlink"));
    return inner_.unlink(path);
}

core::Result<> FaultFileSystem::removeTree(const Path& path) {
    // One change an entry, as it is on a disk.
    const auto found = inner_.info(path);
    if (!found) return alive();
    if (!found->isDirectory) return unlink(path);
    TM_ASSIGN(const auto names, list(path));
    for (const auto& name : names) TM_TRY(removeTree(path / name));
    TM_TRY(change("rmdir"));
    return inner_.removeTree(path);
}

core::Result<> FaultFileSystem::syncDirectory(const Path& path) {
    TM_TRY(change("sync of a directory"));
    return inner_.syncDirectory(path);
}

core::Result<core::DiskSpace> FaultFileSystem::space(const Path& path) {
    TM_TRY(alive());
    return inner_.space(path);
}

}  // namespace tidemill::testing
