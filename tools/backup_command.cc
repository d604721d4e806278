// tidemill backup, restore and fork: verified copies of a data directory.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "recovery/backup.h"
#include "recovery/savepoint_fork.h"
#include "recovery/savepoints.h"
#include "state/state_store.h"
#include "tools/commands.h"
#include "tools/exit_code.h"

namespace tidemill::tools {
namespace {

using core::Result;
using Json = nlohmann::ordered_json;

Result<recovery::BackupReport> copied(const std::string& from, const std::string& to,
                                      const std::optional<recovery::ForkAs>& fork = {},
                                      std::optional<std::uint64_t> newestCheckpoint = {}) {
    auto& files = core::posixFileSystem();
    const recovery::ReadsAll readsAll = [&](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(files, path);
    };
    recovery::BackupChoice choice;
    choice.savepoints = !newestCheckpoint;
    if (newestCheckpoint) choice.newestCheckpoint = core::BatchId(*newestCheckpoint);
    return recovery::backUp(
        files, from, to, readsAll,
        [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }, fork, choice);
}

Result<recovery::BackupReport> ofSavepoint(const ForkOptions& options,
                                           const recovery::ForkAs& fork) {
    TM_TRY(recovery::checkSavepointName(options.savepoint));
    auto& files = core::posixFileSystem();
    return recovery::forkSavepoint(
        files, recovery::Savepoints(files, options.from).pathOf(options.savepoint), options.to,
        [&](const core::Path& path, const recovery::Manifest&) {
            return state::verifyFiles(files, path);
        },
        fork);
}

int say(bool isJson, const char* what, const std::string& to, const recovery::BackupReport& report,
        const std::optional<recovery::ForkAs>& fork = {}) {
    if (isJson) {
        Json json{{"to", to},
                  {"files", report.files},
                  {"copied_bytes", report.copiedBytes},
                  {"linked_bytes", report.linkedBytes},
                  {"last_lsn", report.lastLsn.value}};
        if (report.checkpoint) json["checkpoint_batch"] = report.checkpoint->value;
        if (fork) {
            json["identity"] = recovery::toString(fork->identity);
            json["outputs"] = fork->outputs;
        }
        std::printf("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
        return kExitDone;
    }
    const auto checkpoint = report.checkpoint
                                ? "the checkpoint of batch " + core::toString(*report.checkpoint)
                                : std::string("no checkpoint");
    std::printf("%s %s: %s, and the log up to LSN %s; %.1f MB copied, %.1f MB linked\n", what,
                to.c_str(), checkpoint.c_str(), core::toString(report.lastLsn).c_str(),
                static_cast<double>(report.copiedBytes) / 1e6,
                static_cast<double>(report.linkedBytes) / 1e6);
    if (fork)
        std::printf("its identity is %s; outputs are %s\n",
                    recovery::toString(fork->identity).c_str(),
                    fork->outputs ? "on" : "off: tidemill run shows nothing there");
    return kExitDone;
}

}  // namespace

int backUpDirectory(const BackupOptions& options) {
    const auto report = copied(options.from, options.to);
    return report ? say(options.json, "backed up to", options.to, *report)
                  : sayFailure(report.error());
}

int restoreDirectory(const BackupOptions& options) {
    const auto report = copied(options.from, options.to);
    return report ? say(options.json, "restored to", options.to, *report)
                  : sayFailure(report.error());
}

int forkDirectory(const ForkOptions& options) {
    const auto identity = recovery::randomLogUuid();
    if (!identity) return sayFailure(identity.error());
    const recovery::ForkAs fork{*identity, options.withOutputs};
    const auto report = options.savepoint.empty()
                            ? copied(options.from, options.to, fork, options.checkpoint)
                            : ofSavepoint(options, fork);
    return report ? say(options.json, "forked to", options.to, *report, fork)
                  : sayFailure(report.error());
}

}  // namespace tidemill::tools
