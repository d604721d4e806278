// Which files lie in some directories, looked at again and again without reading every file's data
// each time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/file_system.h"
#include "sources/file_range.h"

namespace tidemill::sources {

// Thread safety: worker-confined.
class DirectoryWatch {
public:
    // A directory, or a glob(7) pattern of directories.
    DirectoryWatch(core::FileSystem& files, std::string directories);

    // A regular file under one of its names.
    struct Entry {
        FileId id;
        std::int64_t bornNanos = 0;
        std::uint64_t sizeBytes = 0;
        std::int64_t modifiedNanos = 0;
    };
    using Visit = std::function<void(const std::string& path, const Entry& entry)>;

    // Looks at the directories. Calls `seen` for every file that is new under its name, and for
    // known names in turn, at most kRecheckedMax of each directory; `gone` for names that are no
    // longer there, or of another file. A directory whose time of change says that nothing was
    // added or removed is not listed again, except from time to time. Hidden names (that begin with
    // '.') and those that end in ".tmp" do not exist.
    void look(const Visit& seen, const Visit& gone);

    static constexpr std::size_t kRecheckedMax = 2000;

    // What the last look found: every directory could be listed, or is not there.
    bool complete() const { return complete_; }
    // A file of this device that has no name was there and is gone: directories on the device
    // could be listed, and there was none that could not.
    bool wouldShow(std::uint64_t device) const { return complete_ && devices_.contains(device); }
    bool isPresent(FileId id) const { return names_.contains(id); }
    // One of its names; empty: it has none. Goes through all files.
    std::string pathOf(FileId id) const;

private:
    // Not the engine's: how coarse a file system's times are does not depend on that.
    using Clock = std::chrono::steady_clock;

    struct Directory {
        FileId id;
        std::int64_t modifiedNanos = 0;
        Clock::time_point unchangedSince;
        Clock::time_point listedAt;
        bool listed = false;
        bool complained = false;
        std::string next;  // the name that is looked at next
        std::map<std::string, Entry> entries;
    };

    std::vector<std::string> matching();
    void expand(const std::string& base, const std::vector<std::string>& parts, std::size_t part,
                std::vector<std::string>& into);
    // False: what lies there cannot be told.
    bool lookAt(const std::string& path, Directory& directory, const Visit& seen,
                const Visit& gone);
    bool list(const std::string& path, Directory& directory, const Visit& seen, const Visit& gone);
    // Reads the file's data again.
    void recheck(const std::string& path, std::map<std::string, Entry>::iterator& at,
                 Directory& directory, const Visit& seen, const Visit& gone);
    void removeName(const std::string& path, const Entry& entry, const Visit& gone);
    void complain(Directory& directory, const core::Error& error);

    core::FileSystem& files_;
    const std::string directories_;
    std::map<std::string, Directory> found_;
    std::unordered_map<FileId, std::uint32_t> names_;  // how many each file has
    std::set<std::uint64_t> devices_;                  // of directories that could be listed
    bool complete_ = false;
    bool complainedOfPattern_ = false;
};

}  // namespace tidemill::sources
