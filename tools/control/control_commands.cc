// tidemill status, stop and checkpoint now: ask a running daemon.
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

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
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchEvery{2};
constexpr std::chrono::milliseconds kLookEvery{50};

bool say(const Json& status, const ControlOptions& options) {
    const bool redraw = options.watch && !options.json && ::isatty(STDOUT_FILENO) == 1;
    const std::string text = options.json ? status.dump() + "\n" : statusInWords(status);
    return put((redraw ? "\x1b[H\x1b[2J" : "") + text) && finishOutput() == kExitDone;
}

// Whether the process that answered is gone, or another one answers.
bool ended(const std::string& directory, const Json& process) {
    const auto status = askForJson(directory, kStatusRequest);
    return !status ? status.error().kind == ErrorKind::kNotFound : status->at("process") != process;
}

}  // namespace

int showStatus(const ControlOptions& options) {
    while (true) {
        const auto status = askForJson(options.dataDirectory, kStatusRequest);
        if (!status) return sayFailure(status.error());
        if (!say(*status, options)) return kExitFailed;
        if (!options.watch) return kExitDone;
        std::this_thread::sleep_for(kWatchEvery);
    }
}

int stopDaemon(const ControlOptions& options) {
    const auto asked =
        askForJson(options.dataDirectory, options.now ? kStopNowRequest : kStopRequest);
    if (!asked) return sayFailure(asked.error());
    const auto process = asked->at("process");
    Waiting waiting;
    while (!ended(options.dataDirectory, process)) {
        waiting.say("waits for process " + process.dump() +
                    " to process what was received (again with --now: ends it at once)");
        std::this_thread::sleep_for(kLookEvery);
    }
    put(options.json ? Json{{"stopped", process}}.dump() + "\n"
                     : "stopped: process " + process.dump() + "\n");
    return finishOutput();
}

int makeCheckpoint(const ControlOptions& options) {
    const auto asked = askForJson(options.dataDirectory, kCheckpointRequest);
    if (!asked) return sayFailure(asked.error());
    Waiting waiting;
    while (true) {
        const auto status = askForJson(options.dataDirectory, kStatusRequest);
        if (!status) return sayFailure(status.error());
        const auto& checkpoint = status->at("checkpoint");
        if (checkpoint.at("answered") >= asked->at("request")) {
            if (options.json) std::printf("%s\n", checkpoint.dump().c_str());
            else std::printf("checkpoint of batch %s\n", checkpoint.at("batch").dump().c_str());
            return kExitDone;
        }
        waiting.say("waits for the end of a batch; one comes every " +
                    spanInWords(status->at("batch").at("interval_ms").get<double>() / 1000));
        std::this_thread::sleep_for(kLookEvery);
    }
}

}  // namespace tidemill::tools
