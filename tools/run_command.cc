// tidemill run: the daemon.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "core/logging.h"
#include "core/peer_wait.h"
#include "core/secrets.h"
#include "core/stop_signals.h"
#include "sources/endpoint.h"
#include "tidemill/streaming_context.h"
#include "tools/commands.h"
#include "tools/connect_command.h"
#include "tools/control/daemon_control.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"
#include "tools/notify_service.h"
#include "tools/start_from.h"
#include "tools/status_line.h"

namespace tidemill::tools {

using core::StopSignals;
namespace {

constexpr int kStatusEverySeconds = 10;
constexpr std::chrono::milliseconds kLookEvery{200};

// Ends the process where it stands, which the log makes safe, when somebody asks for that while the
// main thread is busy.
class SignalWatch {
public:
    // `uponStop` is called when a first signal comes; empty: one has come.
    explicit SignalWatch(StopSignals& signals, std::function<void()> uponStop = {})
        : thread_([this, &signals, uponStop = std::move(uponStop)] {
              auto than = uponStop ? Request::kNone : Request::kStop;
              while (!done_) {
                  const auto request = signals.wait(std::chrono::milliseconds(20), than);
                  if (request == Request::kStopAtOnce) ::_exit(kExitAtOnce);
                  if (request > than) uponStop();
                  than = std::max(than, request);
              }
          }) {}
    ~SignalWatch() {
        done_ = true;
        thread_.join();
    }

private:
    using Request = StopSignals::Request;
    std::atomic<bool> done_ = false;
    std::thread thread_;
};

// Everything received is processed and checkpointed.
void stopGracefully(StreamingContext& context, StopSignals& signals, ServiceManager& service,
                    DaemonControl& control) {
    core::logInfo(
        "stopping: processing what was received (another signal, or the same a second "
        "later, stops at once)");
    service.stopping();
    control.phase(Phase::kStopping);
    if (signals.wait({}, StopSignals::Request::kStop) != StopSignals::Request::kStop)
        ::_exit(kExitAtOnce);
    {
        const SignalWatch watch(signals);
        context.stop(true);
    }
    core::logInfo("stopped");
}

// Opens directory and sockets. Returns whether a signal asked to stop meanwhile; a recovery is
// finished first, so that what was received is processed.
core::Result<bool> start(StreamingContext& context, StopSignals& signals) {
    const SignalWatch watch(signals, [job = context.job()] {
        core::logInfo(
            "stopping as soon as the start is done (another signal, or the same a second later, "
            "stops at once)");
        core::limitPeerWaits(job->graph, core::kPeerGrace);
    });
    try {
        context.start();
    } catch (const StreamingError& error) {
        // The job file was checked before, so what is not valid is the directory.
        const bool refused = error.kind() == core::ErrorKind::kInvalid;
        return core::fail(
            {refused ? core::ErrorKind::kConflict : error.kind(), error.what(), error.heals()});
    }
    return signals.wait({}) != StopSignals::Request::kNone;
}

// The last line has time and level, like all lines of the daemon.
int endWith(const core::Error& error, const StreamingContext& context, StopSignals& signals) {
    core::logError(error.message);
    const bool asked = signals.wait({}) != StopSignals::Request::kNone;
    const bool isAway =
        asked && error.kind == core::ErrorKind::kIo && core::anyWaitsForPeer(context.job()->graph);
    return isAway ? kExitPeerAway : exitCodeOf(error);
}

// Whether a start gets on, asked from time to time: reading, copying and checkpoints end by
// themselves, but a function of the job may keep a batch that is replayed for ever.
std::function<bool()> getsOn(const StreamingContext& context) {
    return [&context, before = std::optional<std::uint64_t>()]() mutable {
        const auto tasks = context.status().replayTasks;
        return std::exchange(before, tasks) != tasks || !tasks;
    };
}

int run(StreamingContext& context, StopSignals& signals, ServiceManager& service,
        DaemonControl& control) {
    service.starting(getsOn(context));
    const auto stopNow = start(context, signals);
    if (!stopNow) {
        service.failed();
        return endWith(stopNow.error(), context, signals);
    }
    try {
        if (*stopNow) {
            stopGracefully(context, signals, service, control);
            return kExitDone;
        }
        service.ready();
        control.phase(Phase::kRunning);
        StatusLine status(context);
        int quiet = 0;
        while (!context.awaitTermination(std::chrono::milliseconds(0))) {
            if (signals.wait(kLookEvery) != StopSignals::Request::kNone) {
                stopGracefully(context, signals, service, control);
                return kExitDone;
            }
            if (service.wantsSign())
                service.alive(context.status().batches.batches, context.options().interval);
            if (++quiet == kStatusEverySeconds * std::chrono::seconds(1) / kLookEvery) {
                quiet = 0;
                const std::string line = status.next();
                core::logInfo(line);
                service.status(line);
            }
        }
    } catch (const StreamingError& error) {
        return endWith({error.kind(), error.what(), error.heals()}, context, signals);
    }
    return kExitDone;
}

std::string inWords(std::size_t sizeBytes) {
    const char* unit = "bytes";
    for (const char* larger : {"KiB", "MiB", "GiB"}) {
        if (sizeBytes == 0 || sizeBytes % 1024 != 0) break;
        sizeBytes /= 1024;
        unit = larger;
    }
    return std::to_string(sizeBytes) + " " + unit;
}

std::string inWords(Duration time) { return std::to_string(time.count()) + " ms"; }

std::string checkpointTriggers(const StreamingOptions& options) {
    const bool timed = options.checkpointInterval != Duration(0);
    const bool sized = options.checkpointBytes != 0;
    if (!timed && !sized) return "only when the job is stopped gracefully";
    return "every " + (timed ? inWords(options.checkpointInterval) : "") +
           (timed && sized ? " or " : "") +
           (sized ? inWords(options.checkpointBytes) + " of log" : "");
}

// As it would be called from anywhere.
std::filesystem::path inFull(const std::filesystem::path& path) {
    std::error_code unknown;
    const auto whole = std::filesystem::absolute(path, unknown).lexically_normal();
    return unknown || whole.empty() ? path : whole;
}

// What the job file means, in its own words.
std::string plan(const JobFile& job, const PlannedJob& planned, const Job& declared) {
    const auto& options = job.options;
    std::string text =
        "job         " + job.name + ", a batch every " + inWords(options.interval) + "\n";
    for (const auto& source : declared.sources) text += "source      " + source.description + "\n";
    for (std::size_t i = 0; i < job.steps.size(); ++i) {
        const auto& step = job.steps[i];
        text += std::string("step        ") + stepWord(step.type);
        if (step.type == StepSpec::Type::kFilter)
            text += (step.drop ? " drop " : " keep ") + step.pattern;
        if (!step.where.empty())
            text += (step.type == StepSpec::Type::kWhere ? " " : " where ") + step.where;
        if (!step.having.empty()) text += " having " + step.having;
        if (!step.with.empty()) text += " with \"" + step.with + "\"";
        if (step.window != Duration(0))
            text += " over " + inWords(step.window) +
                    (step.slide != Duration(0) ? " every " + inWords(step.slide) : "");
        if (!step.name.empty()) text += " \"" + step.name + "\"";
        text += (step.from.empty() ? "" : " from \"" + step.from + "\"") + "\n";
        std::istringstream became(planned.steps[i].became);
        for (std::string line; std::getline(became, line);) text += "  becomes   " + line + "\n";
        text += "  gives     " + planned.steps[i].gives + "\n";
    }
    for (const auto& state : declared.states)
        text += "state       " + state.name + " (" + state.signature + ")\n";
    for (const auto& output : declared.graph.outputs())
        text += "output      " + output->describe() + "\n";
    if (job.page)
        text += std::string("page        ") +
                (job.page->files.certificate.empty() ? "http" : "https") + "://" +
                sources::hostAndPort(job.page->address.host, job.page->address.port) + "/" +
                (job.page->files.token.empty() ? "" : ", for those who have the token") + "\n";
    std::error_code unknown;
    text += "data        " + options.directory.string() +
            (std::filesystem::exists(options.directory, unknown)
                 ? ""
                 : ", which is made at the first start") +
            "\nlimits      " + inWords(options.maxBatchBytes) + " a batch, " +
            inWords(options.maxRecordBytes) + " a record, " + inWords(options.deltaBudgetBytes) +
            " of changed state\ncheckpoint  " + checkpointTriggers(options) + "\n";
    return core::withoutSecrets(text);
}

}  // namespace

// "120:4"
std::optional<StreamingOptions::SkipRecord> parseSkipRecord(std::string_view text) {
    StreamingOptions::SkipRecord skip;
    const char* const end = text.data() + text.size();
    const auto lsn = std::from_chars(text.data(), end, skip.lsn);
    if (lsn.ec != std::errc() || lsn.ptr == end || *lsn.ptr != ':') return std::nullopt;
    const auto line = std::from_chars(lsn.ptr + 1, end, skip.line);
    if (line.ec != std::errc() || line.ptr != end || skip.lsn == 0 || skip.line == 0)
        return std::nullopt;
    return skip;
}

int runJob(const RunOptions& wanted) {
    const auto job = readJobFile(wanted.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    return runJobFile(*job, wanted);
}

int runJobFile(JobFile job, const RunOptions& wanted) {
    StopSignals signals({.reportsSecond = true, .logsHangUp = true});
    core::setLogLevel(wanted.logLevel);
    // A reader of the results that goes away is an error with a message, not a silent end.
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);  // likewise a limit on the size of files
    auto& options = job.options;
    options.directory = job.directoryOr(wanted.dataDirectory);
    if (wanted.workers) options.workers = *wanted.workers;
    options.dropMismatchedState = wanted.dropMismatchedState;
    options.name = job.name;
    options.adopt = wanted.adopt;
    options.quarantineBatch = wanted.quarantineBatch;
    options.skipBatch = wanted.skipBatch;
    for (const auto& place : wanted.skipRecords) {
        const auto skip = parseSkipRecord(place);
        if (!skip) {
            std::fprintf(stderr, "tidemill: --skip-record: \"%s\" is no LSN:LINE, such as 120:4\n",
                         core::escaped(place).c_str());
            return kExitUsage;
        }
        options.skipRecords.push_back(*skip);
    }

    ServiceManager service;
    DaemonControl* asked = nullptr;
    options.onProgress = [&](const std::string& line) {
        core::logInfo(line);
        service.status(line);
        if (asked != nullptr) asked->progress(line);
    };
    StreamingContext context(options);
    const auto planned = planJob(job, context);
    if (!planned) {
        std::fprintf(stderr, "%s\n", planned.error().message.c_str());
        return kExitJobFile;
    }
    if (auto valid = context.job()->validate(); !valid) {
        std::fprintf(stderr, "%s: %s\n", wanted.jobFile.c_str(),
                     core::withoutSecrets(valid.error().message).c_str());
        return kExitJobFile;
    }
    std::optional<DaemonControl::Page> page;
    if (job.page) {
        auto security = readPageSecurity(job.page->files);
        if (!security) {
            std::fprintf(stderr, "%s: %s\n", wanted.jobFile.c_str(),
                         security.error().message.c_str());
            return kExitJobFile;
        }
        page = DaemonControl::Page{job.page->address, *std::move(security)};
    }
    if (wanted.checkOnly) {
        if (wanted.connect) {
            if (!wanted.json) put(plan(job, *planned, *context.job()) + "\n");
            return checkPeers(job, context.job(), wanted.json);
        }
        put(plan(job, *planned, *context.job()));
        return finishOutput();
    }
    if (const auto target = core::setLogTarget(wanted.logFile, wanted.logFormat); !target) {
        std::fprintf(stderr, "tidemill: --log-file: %s\n", target.error().message.c_str());
        return exitCodeOf(target.error());
    }
    core::logInfo("tidemill " TIDEMILL_VERSION ", job " + job.name + ": a batch every " +
                  inWords(options.interval) + ", data directory " +
                  inFull(options.directory).string());
    if (!wanted.from.empty()) {
        if (const auto begun = beginFrom(wanted.from, job, options.directory.string()); !begun)
            return endWith(begun.error(), context, signals);
    }
    DaemonControl control(context, page, plan(job, *planned, *context.job()));
    asked = &control;
    return run(context, signals, service, control);
}

}  // namespace tidemill::tools
