// Wraps a file system and lets the Nth change fail, or ends the simulated process at it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "core/file_system.h"

namespace tidemill::testing {

// Changes are counted from 1: creating, writing, syncing, allocating, truncating, renaming,
// linking, unlinking, syncing a directory. Reads are not. Thread safety: thread-safe.
class FaultFileSystem : public core::FileSystem {
public:
    explicit FaultFileSystem(core::FileSystem& inner) : inner_(inner) {}

    enum class Fault {
        kNone,
        kErrorOnce,     // EIO for this change; a sync that fails loses nothing by itself
        kErrorForEver,  // EIO for this change and all later ones
        kNoSpace,       // ENOSPC for this change
        kCrash,         // nothing happens any more, reads fail too; a write is half done
    };
    // Counts anew from here.
    void arm(Fault fault, std::uint64_t atChange);

    // Opening this file fails with EACCES from now on, or no longer does. Not counted.
    void refuse(const core::Path& path, bool refused);
    // Files have no time of birth, as on some file systems.
    void hideBirths();

    // Called with the path of each file that is opened to be read.
    void onRead(std::function<void(const core::Path&)> visit);

    // True once the armed change was reached.
    bool fired() const;
    std::uint64_t changes() const;

    core::Result<std::unique_ptr<core::File>> open(const core::Path& path,
                                                   core::OpenMode mode) override;
    core::Result<core::FileInfo> info(const core::Path& path) override;
    core::Result<std::vector<std::string>> list(const core::Path& directory) override;
    core::Result<> createDirectory(const core::Path& path) override;
    core::Result<> rename(const core::Path& from, const core::Path& to) override;
    core::Result<> link(const core::Path& existing, const core::Path& added) override;
    core::Result<> unlink(const core::Path& path) override;
    core::Result<> removeTree(const core::Path& path) override;
    core::Result<> syncDirectory(const core::Path& path) override;
    core::Result<core::DiskSpace> space(const core::Path& path) override;

private:
    class FaultFile;
    // Counts a change; an error when it must not happen.
    core::Result<> change(const char* what, bool* crashing = nullptr);
    core::Result<> alive() const;
    core::Result<core::FileInfo> shown(core::Result<core::FileInfo> info) const;

    core::FileSystem& inner_;
    mutable std::mutex mutex_;
    Fault fault_ = Fault::kNone;
    std::uint64_t atChange_ = 0;
    std::uint64_t changes_ = 0;
    std::set<core::Path> refused_;
    std::function<void(const core::Path&)> onRead_;
    bool birthsHidden_ = false;
};

}  // namespace tidemill::testing
