// How the files that batches read are opened, wherever they have been moved to.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "core/error.h"
#include "core/file_system.h"
#include "sources/file_range.h"
#include "sources/file_text.h"

namespace tidemill::sources {

// Thread safety: thread-safe.
class FileAccess {
public:
    // `directories`: a directory, or a glob(7) pattern of directories, in which files are looked
    // for that have lost their name.
    FileAccess(core::FileSystem& files, std::string directories)
        : files_(files), directories_(std::move(directories)) {}

    core::FileSystem& files() const { return files_; }

    // Keeps a file open that batches to come read the rest of, while fewer than 16 are.
    void hold(FileId id, std::shared_ptr<FileText> text);
    // Keeps text that was decompressed for a batch.
    void holdDecompressed(FileId id, std::shared_ptr<FileText> text);
    // Closes those that are not in `wanted`.
    void releaseExcept(const std::set<FileId>& wanted);
    void release(FileId id);
    // Null: it is not held.
    std::shared_ptr<FileText> held(FileId id) const;
    // Opens the file wherever it is now; `path` becomes where that is. Errors: kNotFound, kIo.
    core::Result<std::shared_ptr<core::File>> openSame(const FileMark& mark,
                                                       std::string& path) const;

private:
    // One of its names, looked for in all directories; empty: it has none.
    std::string find(FileId id) const;

    core::FileSystem& files_;
    const std::string directories_;
    mutable std::mutex mutex_;  // of what follows
    std::map<FileId, std::shared_ptr<FileText>> held_;
    mutable std::unordered_map<FileId, std::string> located_;
    mutable std::chrono::steady_clock::time_point locatedAt_;
};

}  // namespace tidemill::sources
