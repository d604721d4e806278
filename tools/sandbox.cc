#include "tools/sandbox.h"

#include <cstdlib>
#include <utility>

#include "core/file_system.h"
#include "recovery/backup.h"
#include "state/state_store.h"
#include "tidemill/streaming_context.h"
#include "tools/job_plan.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
namespace fs = std::filesystem;

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
    std::string path = (fs::temp_directory_path(unknown) / "tidemill-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr)
        return core::fail(ErrorKind::kIo, "no directory to work in can be made: " + path);
    return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(path));
}

ScratchDirectory::~ScratchDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

Result<> copyDataDirectory(const std::string& from, const std::string& to) {
    auto& files = core::posixFileSystem();
    const recovery::ReadsAll readsAll = [&](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(files, path);
    };
    auto report = recovery::backUp(files, from, to, readsAll, [](const std::string&) {});
    return report ? Result<>() : core::fail(report.error());
}

Result<> replayOn(JobFile job, const std::string& directory,
                  std::function<void(const std::string&)> progress) {
    auto& options = job.options;
    options.directory = directory;
    options.name = job.name;
    options.replayOnly = true;
    options.onProgress = std::move(progress);
    StreamingContext context(options);
    TM_TRY(planJob(job, context));
    TM_TRY(context.job()->validate());
    try {
        context.start();
    } catch (const StreamingError& error) {
        return core::fail({error.kind(), error.what(), error.heals()});
    }
    context.stop(false);
    return {};
}

}  // namespace tidemill::tools
