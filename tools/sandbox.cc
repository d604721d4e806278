#include "tools/sandbox.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/file_system.h"
#include "recovery/backup.h"
#include "state/state_store.h"
#include "tidemill/streaming_context.h"
#include "tools/exit_code.h"
#include "tools/job_plan.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds kLookEvery{50};

}  // namespace

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::make(const fs::path& path) {
    auto& files = core::posixFileSystem();
    if (files.exists(path))
        return core::fail(ErrorKind::kConflict,
                          "there is something already where to work: path=" + path.string());
    TM_TRY(files.createDirectory(path));
    return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(path));
}

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::makeTemporary() {
    std::error_code unknown;
    auto parent = fs::temp_directory_path(unknown);
    if (unknown) parent = "/tmp";
    std::string path = (parent / "tidemill-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr)
        return core::fail(ErrorKind::kIo, "no directory to work in can be made: " +
                                              std::string(std::strerror(errno)) + ": path=" + path);
    return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(path));
}

ScratchDirectory::ScratchDirectory(fs::path path)
    : path_(std::move(path)), watch_([this] {
          using Request = core::StopSignals::Request;
          while (!done_) {
              if (signals_.wait(kLookEvery) == Request::kNone) continue;
              std::error_code ignored;
              fs::remove_all(path_, ignored);
              ::_exit(kExitAtOnce);
          }
      }) {}

ScratchDirectory::~ScratchDirectory() {
    done_ = true;
    watch_.join();
    if (kept_) return;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

fs::path besideDirectory(const std::string& directory, const std::string& kind) {
    std::error_code unknown;
    auto whole = fs::absolute(directory, unknown).lexically_normal();
    if (whole.filename().empty()) whole = whole.parent_path();
    return whole.string() + "." + kind + "." + std::to_string(::getpid());
}

Result<> copyDataDirectory(const std::string& from, const std::string& to) {
    auto& files = core::posixFileSystem();
    const recovery::ReadsAll readsAll = [&](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(files, path);
    };
    auto report = recovery::backUp(files, from, to, readsAll, [](const std::string&) {});
    return report ? Result<>() : core::fail(report.error());
}

std::string saidOf(const std::string& directory, const std::string& copy, std::string text) {
    for (auto at = text.find(copy); at != text.npos; at = text.find(copy, at + directory.size()))
        text.replace(at, copy.size(), directory);
    return text;
}

Result<> replayOn(JobFile job, const std::string& directory,
                  std::function<void(const std::string&)> progress, const ReplayOnCopy& how) {
    auto& options = job.options;
    options.directory = directory;
    options.name = job.name;
    options.replayOnly = true;
    options.replay = how.how;
    // What is left out stays on the copy, too.
    options.deadLetterDirectory.clear();
    options.onProgress = std::move(progress);
    if (how.observe) job.outputs.clear();
    StreamingContext context(options);
    TM_TRY(planJob(job, context, {}, how.observe));
    TM_TRY(context.job()->validate());
    if (how.planned) how.planned(*context.job());
    try {
        context.start();
    } catch (const StreamingError& error) {
        return core::fail({error.kind(), error.what(), error.heals()});
    }
    context.stop(false);
    return {};
}

}  // namespace tidemill::tools
