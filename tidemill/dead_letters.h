// Tells of the records that a batch left out because a function threw: a line in the log, and a file
// of them when there is a directory for it.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/batch_run.h"
#include "core/error.h"
#include "core/file_system.h"

namespace tidemill {

// Thread safety: tell() by the scheduler's thread, count() by any.
class DeadLetters {
public:
    // Without a directory records are logged and counted only.
    DeadLetters(core::FileSystem& files, core::Path directory)
        : files_(files), directory_(std::move(directory)) {}

    // Returns when the file is durable. The same batch gives the same file. Errors: kIo, kNoSpace.
    core::Result<> tell(const core::BatchRun& run);

    // Records so far.
    std::uint64_t count() const { return count_; }

private:
    core::Result<> write(const core::BatchRecord& batch,
                         const std::vector<core::FailedRecord>& records) const;

    core::FileSystem& files_;
    const core::Path directory_;
    std::atomic<std::uint64_t> count_ = 0;
};

}  // namespace tidemill
