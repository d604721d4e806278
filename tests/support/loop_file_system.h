// A small ext4 file system in a file, mounted for one test, whose power can be cut.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace tidemill::test {

// Mounted in a mount namespace of the calling thread's own, which its children and the threads it
// starts later share: whatever way the test process ends, the mount and its loop device go with
// it. Unmounted and removed when destroyed; nothing may be open in it then.
// Thread safety: externally synchronized.
class LoopFileSystem {
public:
    // Null where it cannot be had; `whyNot` then says what is missing: root, a tool, a loop device.
    static std::unique_ptr<LoopFileSystem> make(std::uint64_t sizeBytes, std::string& whyNot);
    ~LoopFileSystem();
    LoopFileSystem(const LoopFileSystem&) = delete;
    LoopFileSystem& operator=(const LoopFileSystem&) = delete;

    // Where it is mounted.
    const std::filesystem::path& path() const { return mountPoint_; }

    // Cuts the power: nothing that is not synced by now will ever reach the image, and every write
    // and sync from now on fails with EIO. False when the kernel refuses.
    bool cut();

    // The machine comes back: unmounts and mounts again. Waits up to 10 s for whoever still has
    // files open; false when that fails.
    bool remount();

private:
    LoopFileSystem() = default;
    bool mount();
    bool unmount();

    std::filesystem::path directory_;
    std::filesystem::path image_;
    std::filesystem::path mountPoint_;
    bool mounted_ = false;
};

}  // namespace tidemill::test
