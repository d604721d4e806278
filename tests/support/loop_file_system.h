// A small file system in a file, mounted for one test, whose power can be cut and whose writes can
// be made to fail.
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
    enum class Type { kExt4, kXfs };
    // What such a file system has at least, and more than any test here writes.
    static std::uint64_t smallestBytes(Type type);

    // Null where it cannot be had; `whyNot` then says what is missing: root, a tool, a loop device.
    static std::unique_ptr<LoopFileSystem> make(std::uint64_t sizeBytes, std::string& whyNot,
                                                Type type = Type::kExt4);
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

    // Writes to places of the medium that were never written to fail from now on, but for the next
    // `bytes` of them: the memory under the image has no more. False when the kernel refuses.
    bool breakAfter(std::uint64_t bytes);
    // None fails any more. What a file system makes of earlier failures goes with a remount().
    bool mend();

private:
    explicit LoopFileSystem(Type type) : type_(type) {}
    bool mountMemory();
    bool sizeMemory(std::uint64_t bytes);
    bool mount();
    bool unmount();

    const Type type_;
    std::filesystem::path directory_;
    std::filesystem::path image_;
    std::filesystem::path mountPoint_;
    bool mounted_ = false;
    bool ownsMemory_ = false;
};

std::string toString(LoopFileSystem::Type type);

}  // namespace tidemill::test
