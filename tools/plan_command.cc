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

// What would end the start; tried on a copy, beside the directory so that its files can be linked.
Result<> tryStart(const JobFile& job, const std::string& directory) {
    TM_ASSIGN(const auto scratch,
              ScratchDirectory::make(directory + ".plan." + std::to_string(::getpid())));
    const auto copy = (scratch->path() / "copy").string();
    TM_TRY(copyDataDirectory(directory, copy));
    return replayOn(job, copy,
                    [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
}

Result<int> plan(const JobFile& job, const std::string& directory, const PlanOptions& options) {
    TM_ASSIGN(const auto known, knownOperators(directory));
    StreamingContext context(job.options);
    TM_TRY(planJob(job, context));
    const auto match = matchOperators(known, *context.job(), options.dropMismatchedState);
    for (const auto& fate : match.fates)
        put(options.json
                ? Json{{"state", fate.name}, {"fate", nameOf(fate.kind)}, {"detail", fate.detail}}
                          .dump() +
                      "\n"
                : describe(fate));
    if (options.dropMismatchedState && !match.dropped.empty() && !options.json)
        put("              what is incompatible or unclear begins EMPTY\n");
    const auto started = tryStart(job, directory);
    const bool refused = !started;
    if (options.json) {
        Json verdict{{"starts", !refused}};
        if (refused) verdict["error"] = started.error().message;
        put(verdict.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    } else {
        put(refused ? "REFUSED       " + started.error().message + "\n"
                    : "starts        the batches behind the newest checkpoint were run again on a "
                      "copy\n");
    }
    return refused ? kExitRefused : kExitDone;
}

}  // namespace

int planChange(const PlanOptions& options) {
    core::setLogLevel(core::LogLevel::kError);
    auto job = readJobFile(options.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    const auto directory = !options.dataDirectory.empty() ? options.dataDirectory
                           : !job->dataDirectory.empty()  ? job->dataDirectory
                                                          : job->name + ".data";
    job->options.dropMismatchedState = options.dropMismatchedState;
    const auto code = plan(*job, directory, options);
    if (!code) return sayFailure(code.error());
    const int written = finishOutput();
    return written != kExitDone ? written : *code;
}

}  // namespace tidemill::tools
