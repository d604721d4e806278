// A disk in memory that can lose its power: what was not synced is then lost, kept, or torn at
// 512-byte sectors, in any order; so are directory entries that were not synced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "core/file_system.h"

namespace tidemill::testing {

// Thread safety: thread-safe.
class SimulatedDisk final : public core::FileSystem {
public:
    SimulatedDisk();

    enum class Fate {
        kKeepAll,  // the process died, the machine did not
        kLoseAll,  // power cut: nothing unsynced survives
        kRandom,   // power cut: each unsynced sector and directory entry survives or not
    };
    // Every open file becomes useless; the disk goes on with what survived.
    void crash(Fate fate, std::uint64_t seed = 0);

    // Space for file contents; the default is no limit.
    void setCapacity(std::uint64_t bytes);
    // Changes one byte of a file on the medium, behind everybody's back.
    void damage(const core::Path& path, std::uint64_t offset, unsigned char flipMask);
    // All files with their contents, for comparing two disks.
    std::map<std::string, std::string> contents() const;

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
    struct Node;
    using NodePtr = std::shared_ptr<Node>;
    class OpenFile;
    friend class OpenFile;

    NodePtr find(const core::Path& path) const;
    // The directory that holds `path`, and its name there.
    core::Result<std::pair<NodePtr, std::string>> place(const core::Path& path) const;
    void removeEntries(const NodePtr& directory);
    void applyFate(const NodePtr& node, Fate fate, std::mt19937_64& random);
    std::uint64_t usedBytes() const;

    mutable std::mutex mutex_;
    NodePtr root_;
    std::uint64_t powerCycle_ = 0;
    std::uint64_t capacityBytes_ = ~std::uint64_t{0};
};

}  // namespace tidemill::testing
