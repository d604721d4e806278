// A directory of part files that appears whole or not at all, once per batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/file_system.h"

namespace tidemill::core {

// One part file, written in order. Thread safety: externally synchronized.
class PartFile {
public:
    PartFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
    Result<> append(std::string_view bytes);
    Result<> finish();

private:
    Result<> flush();
    std::unique_ptr<File> file_;
    std::string pending_;
    std::uint64_t writtenBytes_ = 0;
};

// Written under "NAME.tmp", synced, then renamed to its final name. An existing final name means
// that an earlier run of the same batch got this far: the new copy is dropped.
// Thread safety: part() may be called by several threads for different names.
class BatchDirectory {
public:
    // True when `path` exists: the batch's output is done.
    static bool done(FileSystem& files, const Path& path) { return files.exists(path); }

    // Removes what a crash may have left under the temporary name.
    static Result<BatchDirectory> begin(FileSystem& files, Path path);

    Result<PartFile> part(const std::string& name);

    // Publishes. Failpoints: sink.afterPrepare, sink.beforeRename, sink.afterCommit.
    Result<> commit();

private:
    BatchDirectory(FileSystem& files, Path path, Path temporary)
        : files_(&files), path_(std::move(path)), temporary_(std::move(temporary)) {}
    FileSystem* files_;
    Path path_;
    Path temporary_;
};

// One file, the same way: everything or nothing, and dropped when it exists already.
Result<> publishOnce(FileSystem& files, const Path& path, std::string_view bytes);

}  // namespace tidemill::core
