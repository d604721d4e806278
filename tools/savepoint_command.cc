// tidemill savepoint: makes, lists and removes checkpoints that stay.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "recovery/data_directory.h"
#include "recovery/inspect.h"
#include "recovery/savepoints.h"
#include "state/state_store.h"
#include "tools/commands.h"
#include "tools/control/ask.h"
#include "tools/control/daemon_control.h"
#include "tools/control/status_words.h"
#include "tools/control/waiting.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;
using recovery::Savepoints;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kLookEvery{50};
constexpr int kTries = 5;

recovery::ReadsAll readsAll() {
    return [](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(core::posixFileSystem(), path);
    };
}

struct Size {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
    std::uint64_t ownBytes = 0;  // of files that nothing else has
};

Size sizeOf(const core::Path& savepoint) {
    Size size;
    std::error_code unknown;
    for (const auto& file : std::filesystem::directory_iterator(savepoint, unknown)) {
        const auto bytes = file.file_size(unknown);
        if (unknown) continue;
        ++size.files;
        size.bytes += bytes;
        if (file.hard_link_count(unknown) == 1) size.ownBytes += bytes;
    }
    return size;
}

void say(bool json, const std::string& name, const core::Path& path, const core::BatchMark& mark) {
    const auto size = sizeOf(path);
    if (json) {
        put(Json{{"savepoint", name},
                 {"batch", mark.batch.value},
                 {"time", toMillis(mark.time)},
                 {"end_lsn", mark.endLsn.value},
                 {"files", size.files},
                 {"bytes", size.bytes},
                 {"own_bytes", size.ownBytes},
                 {"path", path.string()}}
                .dump(-1, ' ', false, Json::error_handler_t::replace) +
            "\n");
        return;
    }
    put(name + "  batch " + core::toString(mark.batch) + "  " + std::to_string(size.files) +
        " files, " + std::to_string(size.bytes) + " bytes, " + std::to_string(size.ownBytes) +
        " of them kept by it alone  " + path.string() + "\n");
}

// Whether the job that runs has made it: none runs, kNotFound.
Result<> askTheJob(const SavepointOptions& options) {
    TM_ASSIGN(const auto asked, askForJson(options.dataDirectory,
                                           std::string(kSavepointRequest) + " " + options.name));
    Waiting waiting;
    for (int unanswered = 0;; std::this_thread::sleep_for(kLookEvery)) {
        const auto status = askForJson(options.dataDirectory, kStatusRequest);
        // A graceful stop makes it with its last checkpoint.
        if (!status && status.error().kind == ErrorKind::kNotFound) return {};
        // One that is being killed breaks off.
        if (!status && ++unanswered < kTries) continue;
        if (!status) return core::fail(status.error());
        if (status->at("checkpoint").at("answered") >= asked.at("request")) return {};
        waiting.say("waits for the end of a batch; one comes every " +
                    spanInWords(status->at("batch").at("interval_ms").get<double>() / 1000));
    }
}

// Of the newest checkpoint, whose files are read first: what stays should be sound.
Result<> makeStopped(const SavepointOptions& options) {
    auto& files = core::posixFileSystem();
    TM_TRY(recovery::readDirectoryFormat(files, options.dataDirectory));
    TM_ASSIGN(const auto directory, recovery::DataDirectory::open(files, options.dataDirectory));
    Savepoints savepoints(files, options.dataDirectory);
    TM_TRY(savepoints.mayMake(options.name));
    TM_ASSIGN(const auto generations,
              recovery::inspectGenerations(files, options.dataDirectory, readsAll()));
    if (generations.empty())
        return core::fail(ErrorKind::kNotFound,
                          "no checkpoint yet, so there is nothing to keep: "
                          "directory=" +
                              options.dataDirectory);
    const auto& newest = generations.front();
    if (!newest.problem.empty()) return core::fail(ErrorKind::kCorrupt, newest.problem);
    TM_TRY(savepoints.make(options.name, newest.path));
    const auto later =
        recovery::loggedRecordsAfter(files, options.dataDirectory, newest.mark->endLsn);
    if (!later || *later != 0)
        std::fprintf(stderr,
                     "no job runs: it is of the newest checkpoint; %s logged records are not in "
                     "it, a start and a graceful stop would bring them in\n",
                     later ? std::to_string(*later).c_str() : "an unknown number of");
    return {};
}

Result<> make(const SavepointOptions& options) {
    TM_TRY(recovery::checkSavepointName(options.name));
    auto asked = askTheJob(options);
    if (!asked && asked.error().kind == ErrorKind::kNotFound) asked = makeStopped(options);
    TM_TRY(std::move(asked));
    const Savepoints savepoints(core::posixFileSystem(), options.dataDirectory);
    const auto manifest = savepoints.manifest(options.name);
    if (!manifest)
        return core::fail(
            manifest.error().kind == ErrorKind::kNotFound ? ErrorKind::kIo : manifest.error().kind,
            "the savepoint was not made: the job has ended, or its log says why: " +
                manifest.error().message);
    say(options.json, options.name, savepoints.pathOf(options.name), manifest->mark);
    return {};
}

Result<> list(const SavepointOptions& options) {
    TM_TRY(recovery::readDirectoryFormat(core::posixFileSystem(), options.dataDirectory));
    const Savepoints savepoints(core::posixFileSystem(), options.dataDirectory);
    TM_ASSIGN(const auto names, savepoints.names());
    for (const auto& name : names) {
        const auto manifest = savepoints.manifest(name);
        if (!manifest && manifest.error().kind == ErrorKind::kNotFound) continue;  // removed
        if (!manifest) return core::fail(manifest.error());
        say(options.json, name, savepoints.pathOf(name), manifest->mark);
    }
    if (names.empty() && !options.json) put("no savepoint\n");
    return {};
}

Result<> remove(const SavepointOptions& options) {
    TM_TRY(recovery::readDirectoryFormat(core::posixFileSystem(), options.dataDirectory));
    TM_TRY(Savepoints(core::posixFileSystem(), options.dataDirectory).remove(options.name));
    put(options.json ? Json{{"removed", options.name}}.dump() + "\n"
                     : "removed: " + options.name + "\n");
    return {};
}

int finish(const Result<>& result) { return result ? finishOutput() : sayFailure(result.error()); }

}  // namespace

int makeSavepoint(const SavepointOptions& options) { return finish(make(options)); }
int listSavepoints(const SavepointOptions& options) { return finish(list(options)); }
int removeSavepoint(const SavepointOptions& options) { return finish(remove(options)); }

}  // namespace tidemill::tools
