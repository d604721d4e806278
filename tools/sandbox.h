// Work on a copy of a data directory, which disturbs nothing.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/error.h"
#include "core/stop_signals.h"
#include "tidemill/replay_options.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace tidemill::tools {

// A directory of its own, gone in the end with all that is in it, also when SIGINT or SIGTERM ends
// the process meanwhile.
class ScratchDirectory {
public:
    // Errors: kConflict when there is something at `path`, kIo.
    static core::Result<std::unique_ptr<ScratchDirectory>> make(const std::filesystem::path& path);
    // In the directory for temporary files. Errors: kIo.
    static core::Result<std::unique_ptr<ScratchDirectory>> makeTemporary();
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }
    // It stays when this object goes.
    void keep() { kept_ = true; }

private:
    explicit ScratchDirectory(std::filesystem::path path);
    const std::filesystem::path path_;
    core::StopSignals signals_;
    std::atomic<bool> done_ = false;
    bool kept_ = false;
    std::thread watch_;
};

// Where to work beside `directory`, so that its files can be linked: DIRECTORY.KIND.PROCESS.
std::filesystem::path besideDirectory(const std::string& directory, const std::string& kind);

// The directory as it is now, its job running or not; `to` must not exist. Errors: of a backup.
core::Result<> copyDataDirectory(const std::string& from, const std::string& to);

// What is said of a copy, said of the directory that it was made of.
std::string saidOf(const std::string& directory, const std::string& copy, std::string text);

// How a job runs on a copy in another way than said below.
struct ReplayOnCopy {
    std::shared_ptr<const ReplayOptions> how;
    // Sees the streams; then the job has no outputs but those that are added so.
    StreamObserver observe;
    // Called before it starts; the job stays until it has ended. May be null.
    std::function<void(const Job&)> planned;
};

// Starts the job on a copy: recovers, runs the recorded batches again, makes a checkpoint behind
// the last one, and ends. No output is opened, nothing is received. Errors: those of a start.
core::Result<> replayOn(JobFile job, const std::string& directory,
                        std::function<void(const std::string&)> progress,
                        const ReplayOnCopy& options = {});

}  // namespace tidemill::tools
