// tidemill state get --live: asks the daemon, which answers at the end of a batch.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/commands.h"
#include "tools/control/ask.h"
#include "tools/control/daemon_control.h"
#include "tools/control/waiting.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::chrono::milliseconds kLookEvery{20};

Result<Json> awaitAnswer(const InspectOptions& options) {
    const Json what{{"table", options.table}, {"key", options.key}};
    TM_ASSIGN(const auto asked,
              askForJson(options.dataDirectory,
                         std::string(kGetRequest) + " " +
                             what.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
    const auto again = std::string(kGotRequest) + " " + asked.at("request").dump();
    Waiting waiting;
    while (true) {
        TM_ASSIGN(auto answer, askForJson(options.dataDirectory, again));
        if (answer.at("done") == true) return answer;
        waiting.say("waits for the end of a batch");
        std::this_thread::sleep_for(kLookEvery);
    }
}

}  // namespace

int getLiveState(const InspectOptions& options) {
    const auto answer = awaitAnswer(options);
    if (!answer) return sayFailure(answer.error());
    std::fprintf(stderr, "state of batch %s (time %s ms), the last complete one\n",
                 answer->at("batch").dump().c_str(), answer->at("time_ms").dump().c_str());
    if (answer->at("present") == false)
        return sayFailure(
            {ErrorKind::kNotFound, "no key \"" + options.key + "\" in table " + options.table});
    put(options.json ? answer->at("row").dump() + "\n" : answer->at("line").get<std::string>());
    return finishOutput();
}

}  // namespace tidemill::tools
