// tidemill fsck --repair: what can be saved of a damaged directory, as a copy.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "recovery/data_directory.h"
#include "recovery/repaired_copy.h"
#include "state/state_store.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

using core::Result;
using Json = nlohmann::ordered_json;

Result<recovery::RepairReport> repaired(const InspectOptions& options, const std::string& to) {
    auto& files = core::posixFileSystem();
    TM_TRY(recovery::readDirectoryFormat(files, options.dataDirectory));
    // Nobody writes there meanwhile.
    TM_ASSIGN(const auto held, recovery::DataDirectory::open(files, options.dataDirectory));
    return recovery::repairInto(
        files, options.dataDirectory, to,
        [&](const core::Path& path, const recovery::Manifest&) {
            return state::verifyFiles(files, path);
        },
        [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
}

std::string inJson(const std::string& to, const recovery::RepairReport& report) {
    Json json{{"to", to}, {"last_lsn", report.lastLsn.value}, {"unsound", report.unsound}};
    if (report.checkpoint) json["checkpoint_batch"] = report.checkpoint->value;
    if (report.lost) {
        json["first_lost_lsn"] = report.lost->first.value;
        json["last_lost_lsn"] = report.lost->last.value;
    }
    json["readable_frames"] = report.readableFrames;
    json["readable_records"] = report.readableRecords;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string inWords(const std::string& to, const recovery::RepairReport& report) {
    std::string text;
    for (const auto& why : report.unsound) text += "not used: checkpoint " + why + "\n";
    text += "repaired copy in " + to + ": " +
            (report.checkpoint ? "the checkpoint of batch " + core::toString(*report.checkpoint)
                               : std::string("no checkpoint")) +
            ", and the log up to LSN " + core::toString(report.lastLsn) + "\n";
    if (!report.lost) return text + "nothing that was acknowledged is lost\n";
    text += "LOST: " + toString(*report.lost) + ", which were durable";
    if (report.readableFrames != 0)
        text += "; " + std::to_string(report.readableFrames) + " frames behind the damage with " +
                std::to_string(report.readableRecords) +
                " records can still be read: tidemill wal dump shows them in the old directory";
    return text +
           "\nSenders with sessions, topics and files are asked again from where the copy "
           "is; outputs that are ahead of it refuse\n";
}

}  // namespace

int repairDirectory(const InspectOptions& options, const std::string& to) {
    const auto report = repaired(options, to);
    if (!report) return sayFailure(report.error());
    put(options.json ? inJson(to, *report) : inWords(to, *report));
    if (const int code = finishOutput(); code != kExitDone) return code;
    return report->lost ? kExitDamaged : kExitDone;
}

}  // namespace tidemill::tools
