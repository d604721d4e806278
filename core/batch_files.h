// A directory that holds a file for each batch that has something to say: 20 digits and a suffix,
// such as .jsonl.
// A file appears whole or not at all, and once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/batch_directory.h"
#include "core/error.h"
#include "core/file_system.h"
#include "core/output.h"
#include "core/result_mark.h"

namespace tidemill::core {

// Beside the files lies the mark of the batch that was published last, under kResultMarkName:
// only the last recorded batch is ever run again.
// Thread safety: externally synchronized.
class BatchFiles {
public:
    // Files are named BATCH and `suffix`, and compressed ones then ".gz" or ".zst".
    BatchFiles(FileSystem& files, Path directory, std::string suffix = ".jsonl",
               Compression compression = Compression::kNone)
        : files_(files),
          directory_(std::move(directory)),
          suffix_(std::move(suffix) + std::string(suffixOf(compression))),
          compression_(compression) {}

    // In a new data directory makes this directory, whose parent must exist. Errors: kConflict (it
    // holds files and the data directory is new; or they are of another data directory, or newer
    // than its last batch), kNotFound, kIo.
    Result<> open(const OutputOpening& opening);

    // One batch's file while it is written, with a bounded part of it in memory.
    class Writer {
    public:
        Result<> append(std::string_view bytes) { return file_.append(bytes); }
        // Publishes. Failpoints: sink.afterPrepare, sink.beforeRename, sink.afterCommit.
        Result<> commit();

    private:
        friend class BatchFiles;
        Writer(BatchFiles& of, ResultMark mark, PartFile file)
            : of_(of), mark_(std::move(mark)), file_(std::move(file)) {}
        BatchFiles& of_;
        ResultMark mark_;
        PartFile file_;
    };

    // None: an earlier run of the same batch has published it already. Makes the directory when
    // it is missing. Errors: kConflict (another batch's results stand there), kIo, kNoSpace.
    Result<std::unique_ptr<Writer>> begin(const ResultMark& mark);

    const Path& directory() const { return directory_; }

private:
    Result<> openNew();
    Path markPath() const { return directory_ / kResultMarkName; }
    Path pathOf(BatchId batch) const;

    FileSystem& files_;
    const Path directory_;
    const std::string suffix_;
    const Compression compression_;
};

}  // namespace tidemill::core
