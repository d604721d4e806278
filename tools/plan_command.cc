// tidemill plan: what a changed job would do with the state that is there, before it is started.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "recovery/inspect.h"
#include "state/state_reader.h"
#include "tidemill/operator_match.h"
#include "tidemill/streaming_context.h"
#include "tools/commands.h"
#include "tools/control/ask.h"
#include "tools/control/daemon_control.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"
#include "tools/sandbox.h"

namespace tidemill::tools {
namespace {

using core::Result;
using Json = nlohmann::ordered_json;

std::string describe(const StateFate& fate) {
    std::string kind = nameOf(fate.kind);
    kind.resize(14, ' ');
    return kind + fate.name + " " + fate.detail + "\n";
}

// What the newest checkpoint knows; nothing without one.
Result<std::vector<core::OperatorEntry>> knownOperators(const std::string& directory) {
    TM_ASSIGN(const auto generations,
              recovery::inspectGenerations(core::posixFileSystem(), directory));
    for (const auto& generation : generations) {
        if (!generation.problem.empty()) continue;
        TM_ASSIGN(const auto reader, state::StateReader::open(generation.path));
        return reader->mark().operators;
    }
    return std::vector<core::OperatorEntry>();
}

struct Trial {
    Result<> start;
    bool isRunning = false;  // a job, on the directory
};

// Tries the start on a copy, beside the directory so that its files can be linked. Errors: what
// keeps the copy from being made.
Result<Trial> tryStart(const JobFile& job, const std::string& directory) {
    TM_ASSIGN(const auto scratch, ScratchDirectory::make(besideDirectory(directory, "plan")));
    const auto copy = (scratch->path() / "copy").string();
    const auto named = [&](std::string text) { return saidOf(directory, copy, std::move(text)); };
    Trial trial;
    trial.isRunning = askForJson(directory, kStatusRequest).has_value();
    TM_TRY(copyDataDirectory(directory, copy));
    trial.start = replayOn(job, copy, [&](const std::string& line) {
        std::fprintf(stderr, "%s\n", named(line).c_str());
    });
    if (!trial.start) trial.start.error().message = named(trial.start.error().message);
    return trial;
}

std::string fateJson(const StateFate& fate) {
    return Json{{"state", fate.name}, {"fate", nameOf(fate.kind)}, {"detail", fate.detail}}.dump(
               -1, ' ', false, Json::error_handler_t::replace) +
           "\n";
}

bool isRefusal(const core::Error& error) {
    return error.kind == core::ErrorKind::kConflict || error.kind == core::ErrorKind::kInvalid;
}

// What stands in the way, and what may be done.
std::string refusal(const OperatorMatch& match, const Trial& trial) {
    if (!match.fits)
        return "what is incompatible or unclear above: mend the job, or drop that "
               "state with --drop-mismatched-state";
    std::string text = trial.start.error().message;
    if (trial.isRunning)
        text +=
            "\n              A job runs on the directory: stopped gracefully it leaves no batch "
            "behind its checkpoint, and then only what is said of the states above counts";
    return text;
}

Result<int> plan(const JobFile& job, const std::string& directory, const PlanOptions& options) {
    TM_ASSIGN(const auto known, knownOperators(directory));
    StreamingContext context(job.options);
    TM_TRY(planJob(job, context));
    const auto match = matchOperators(known, *context.job(), options.dropMismatchedState);
    for (const auto& fate : match.fates) put(options.json ? fateJson(fate) : describe(fate));
    if (options.dropMismatchedState && !match.dropped.empty() && !options.json)
        put("              what is incompatible or unclear begins EMPTY\n");
    TM_ASSIGN(const auto trial, tryStart(job, directory));
    if (!trial.start && !isRefusal(trial.start.error())) return core::fail(trial.start.error());
    if (options.json) {
        Json verdict{{"starts", trial.start.has_value()}};
        if (!trial.start) verdict["error"] = refusal(match, trial);
        put(verdict.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    } else {
        put(trial.start ? "starts        on a copy it did; what was recorded behind the newest "
                          "checkpoint was run again\n"
                        : "REFUSED       " + refusal(match, trial) + "\n");
    }
    return trial.start ? kExitDone : kExitRefused;
}

}  // namespace

int planChange(const PlanOptions& options) {
    core::setLogLevel(core::LogLevel::kError);
    auto job = readJobFile(options.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    const auto directory = job->directoryOr(options.dataDirectory);
    job->options.dropMismatchedState = options.dropMismatchedState;
    job->options.adopt = options.adopt;
    const auto code = plan(*job, directory, options);
    if (!code) return sayFailure(code.error());
    const int written = finishOutput();
    return written != kExitDone ? written : *code;
}

}  // namespace tidemill::tools
