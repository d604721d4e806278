// A batch that ran before, run again on a copy of the data directory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/batch_record.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/time.h"
#include "tools/job_file.h"
#include "tools/past/given_streams.h"
#include "tools/sandbox.h"

namespace tidemill::tools {

// Which batches a directory can run again.
struct Reach {
    core::BatchId first, last;  // none when `last` is before `first`
    BatchTime firstTime{}, lastTime{};
    std::optional<core::BatchId> checkpoint;  // the oldest one; none: from the first batch on
};

// "batches 180 (2026-01-01 00:00:00 UTC) to 193 (…)"
std::string describe(const Reach& reach);

// A copy that is brought to stand before a batch. Thread safety: externally synchronized.
class PastDirectory {
public:
    using Progress = std::function<void(const std::string&)>;

    // Copies `directory`, whose job may run, to `copy`, which must not exist. Errors: of a backup.
    static core::Result<std::unique_ptr<PastDirectory>> copy(const std::string& directory,
                                                             const std::string& copy,
                                                             Progress progress);

    const std::string& path() const { return copy_; }
    const Reach& reach() const { return reach_; }

    // Leaves the newest checkpoint before `batch`, and returns its batch; none: the batches before
    // run from the first one on. Errors: kNotFound, out of reach; says how far it is.
    core::Result<std::optional<core::BatchId>> goBefore(core::BatchId batch);

    // Runs the job on it; what it says is said of the directory that was copied.
    core::Result<> run(const JobFile& job, const ReplayOnCopy& how) const;

    // Another copy, as it stands now. Errors: of a backup.
    core::Result<std::unique_ptr<PastDirectory>> again(const std::string& copy) const;

private:
    PastDirectory(std::string directory, std::string copy, Progress progress)
        : directory_(std::move(directory)),
          copy_(std::move(copy)),
          progress_(std::move(progress)) {}
    core::Result<> findReach();

    const std::string directory_;
    const std::string copy_;
    const Progress progress_;
    Reach reach_;
};

}  // namespace tidemill::tools
