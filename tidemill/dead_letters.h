// Reports the records that a batch left out because a function threw: a line in the log, and a file
// of them when they are dead letters.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/batch_files.h"
#include "core/batch_run.h"
#include "core/error.h"
#include "core/file_system.h"
#include "tidemill/job.h"
#include "tidemill/options.h"

namespace tidemill {

// Where they go; empty: nowhere.
core::Path deadLetterDirectory(const StreamingOptions& options);

core::OnError onError(ErrorPolicy policy);

// Thread safety: report() by the scheduler's thread, count() by any.
class DeadLetters {
public:
    // `directory`: empty when there is none, then no batch may have dead letters.
    DeadLetters(core::FileSystem& files, core::Path directory)
        : all_(files), files_(std::make_unique<core::BatchFiles>(files, std::move(directory))) {}

    // From now on they go there. Before the first report().
    void moveTo(core::Path directory) {
        files_ = std::make_unique<core::BatchFiles>(all_, std::move(directory));
    }

    core::BatchFiles& files() { return *files_; }

    // Returns when the file is durable. The same batch gives the same file. Errors: kConflict
    // (another batch's file is in its place), kIo, kNoSpace.
    core::Result<> report(const core::BatchRun& run, const std::vector<SourceDeclaration>& sources);

    // Records so far.
    std::uint64_t count() const { return count_; }

private:
    core::Result<> write(const core::BatchRun& run, const std::vector<SourceDeclaration>& sources);

    core::FileSystem& all_;
    std::unique_ptr<core::BatchFiles> files_;
    std::atomic<std::uint64_t> count_ = 0;
};

}  // namespace tidemill
