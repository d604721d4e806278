// tidemill backup and restore: verified copies of a data directory.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "recovery/backup.h"
#include "state/state_store.h"
#include "tools/commands.h"
#include "tools/exit_code.h"

namespace tidemill::tools {
namespace {

using core::Result;
using Json = nlohmann::ordered_json;

Result<recovery::BackupReport> copied(const BackupOptions& options) {
    auto& files = core::posixFileSystem();
    const recovery::ReadsAll readsAll = [&](const core::Path& path, const recovery::Manifest&) {
        return state::verifyFiles(files, path);
    };
    return recovery::backUp(files, options.from, options.to, readsAll, [](const std::string& line) {
        std::fprintf(stderr, "%s\n", line.c_str());
    });
}

int say(const BackupOptions& options, const char* what, const recovery::BackupReport& report) {
    if (options.json) {
        Json json{{"to", options.to},
                  {"files", report.files},
                  {"copied_bytes", report.copiedBytes},
                  {"linked_bytes", report.linkedBytes},
                  {"last_lsn", report.lastLsn.value}};
        if (report.checkpoint) json["checkpoint_batch"] = report.checkpoint->value;
        std::printf("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
        return kExitDone;
    }
    const auto checkpoint = report.checkpoint
                                ? "the checkpoint of batch " + core::toString(*report.checkpoint)
                                : std::string("no checkpoint");
    std::printf("%s %s: %s, and the log up to LSN %s; %.1f MB copied, %.1f MB linked\n", what,
                options.to.c_str(), checkpoint.c_str(), core::toString(report.lastLsn).c_str(),
                static_cast<double>(report.copiedBytes) / 1e6,
                static_cast<double>(report.linkedBytes) / 1e6);
    return kExitDone;
}

}  // namespace

int backUpDirectory(const BackupOptions& options) {
    const auto report = copied(options);
    return report ? say(options, "backed up to", *report) : sayFailure(report.error());
}

int restoreDirectory(const BackupOptions& options) {
    const auto report = copied(options);
    return report ? say(options, "restored to", *report) : sayFailure(report.error());
}

}  // namespace tidemill::tools
