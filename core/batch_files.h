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
#include "core/result_mark.h"

namespace tidemill::core {

// Beside the files lies the mark of the batch that was published last, under kResultMarkName:
// only the last recorded batch is ever run again.
// Thread safety: externally synchronized.
class BatchFiles {
public:
    // Files are named BATCH and `suffix`.
    BatchFiles(FileSystem& files, Path directory, std::string suffix = ".jsonl")
        : files_(files), directory_(std::move(directory)), suffix_(std::move(suffix)) {}

    // For a data directory that has run no batch. Makes the directory; its parent must exist.
    // Errors: kConflict (it holds files), kNotFound, kIo.
    Result<> prepareNew();

    // For the data directory `owner`, whose last recorded batch is `last`. Errors: kConflict (the
    // results are of another data directory, or newer than `last`), kNotFound, kIo.
    Result<> prepareResume(const std::string& owner, BatchId last);

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
    Path markPath() const { return directory_ / kResultMarkName; }
    Path pathOf(BatchId batch) const;

    FileSystem& files_;
    const Path directory_;
    const std::string suffix_;
};

}  // namespace tidemill::core
