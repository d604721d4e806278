// A directory of part files that appears whole or not at all, once per batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/compression.h"
#include "core/compressor.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/result_mark.h"

namespace tidemill::core {

// One file, written in order in pieces of bounded size, compressed or not. Thread safety:
// externally synchronized.
class PartFile {
public:
    explicit PartFile(std::unique_ptr<File> file, Compression compression = Compression::kNone);
    Result<> append(std::string_view bytes);
    // Durable when it returns.
    Result<> finish();

private:
    Result<> flush();
    std::unique_ptr<File> file_;
    std::unique_ptr<Compressor> compressor_;  // null: as it is
    std::string pending_;
    std::uint64_t writtenBytes_ = 0;
};

// Written under "NAME.tmp" with a mark that says which batch it is, synced, then renamed to its
// final name.
// Thread safety: part() may be called by several threads for different names.
class BatchDirectory {
public:
    // None: an earlier run of the same batch has published it already, the new copy is dropped.
    // Removes what a crash may have left under temporary names.
    // Errors: kConflict (another batch's results stand there), kCorrupt (it cannot be told whose
    // stand there), kIo, kNoSpace.
    static Result<std::optional<BatchDirectory>> begin(FileSystem& files, Path path,
                                                       const ResultMark& mark);

    // Of that name, behind which a compressed one has ".gz" or ".zst".
    Result<PartFile> part(const std::string& name, Compression compression = Compression::kNone);

    // Publishes. Failpoints: sink.afterPrepare, sink.beforeRename, sink.afterCommit.
    Result<> commit();

private:
    BatchDirectory(FileSystem& files, Path path, Path temporary, bool replaces)
        : files_(&files),
          path_(std::move(path)),
          temporary_(std::move(temporary)),
          replaces_(replaces) {}
    FileSystem* files_;
    Path path_;
    Path temporary_;
    bool replaces_;
};

// `path` from the root on, the same for two ways to write it: where an output's results lie.
std::string absolutePlace(const Path& path);

}  // namespace tidemill::core
