// tidemill run: the daemon.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "core/logging.h"
#include "tidemill/streaming_context.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"
#include "tools/notify_service.h"
#include "tools/status_line.h"

namespace tidemill::tools {
namespace {

constexpr int kStatusEverySeconds = 10;

// Turns SIGTERM and SIGINT into reads of a descriptor; made before any thread, so that all of
// them leave the signals alone.
class StopSignals {
public:
    StopSignals() {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    ~StopSignals() { ::close(fd_); }

    // True when a signal came within `millis`.
    bool wait(int millis) {
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, millis) != 1) return false;
        signalfd_siginfo info;
        return ::read(fd_, &info, sizeof info) == sizeof info;
    }

private:
    int fd_;
};

// Everything received is processed and checkpointed; a second signal ends the process where it
// stands, which the log makes safe.
void stopGracefully(StreamingContext& context, StopSignals& signals) {
    core::logInfo("stopping: processing what was received (a second signal stops at once)");
    notifyService("STOPPING=1");
    std::atomic<bool> stopped = false;
    std::thread watcher([&] {
        while (!stopped)
            if (signals.wait(50)) ::_exit(kExitAtOnce);
    });
    try {
        context.stop(true);
    } catch (...) {
        stopped = true;
        watcher.join();
        throw;
    }
    stopped = true;
    watcher.join();
    core::logInfo("stopped");
}

int run(StreamingContext& context) {
    StopSignals signals;
    try {
        context.start();
        notifyService("READY=1");
        StatusLine status(context);
        int quiet = 0;
        while (!context.awaitTermination(std::chrono::milliseconds(0))) {
            if (signals.wait(200)) {
                stopGracefully(context, signals);
                return kExitDone;
            }
            if (++quiet == kStatusEverySeconds * 5) {
                quiet = 0;
                core::logInfo(status.next());
            }
        }
    } catch (const StreamingError& error) {
        return sayFailure({error.kind(), error.what()});
    }
    return kExitDone;
}

std::string plan(const JobFile& job, const StreamingContext& context) {
    const auto& options = job.options;
    return "job      " + job.name + ", a batch every " + std::to_string(options.interval.count()) +
           " ms\n" + context.describe() + "data     " + options.directory.string() +
           "\nlimits   " + std::to_string(options.maxBatchBytes) + " bytes a batch, " +
           std::to_string(options.maxRecordBytes) + " bytes a record, " +
           std::to_string(options.deltaBudgetBytes) + " bytes of changed state\ncheckpoint every " +
           std::to_string(options.checkpointInterval.count()) + " ms or " +
           std::to_string(options.checkpointBytes) + " bytes of log\n";
}

}  // namespace

int runJob(const RunOptions& wanted) {
    auto job = readJobFile(wanted.jobFile);
    if (!job) {
        std::fprintf(stderr, "%s\n", job.error().message.c_str());
        return kExitJobFile;
    }
    auto& options = job->options;
    options.directory = !wanted.dataDirectory.empty()  ? wanted.dataDirectory
                        : !job->dataDirectory.empty() ? job->dataDirectory
                                                      : job->name + ".data";
    if (wanted.workers) options.workers = *wanted.workers;
    options.dropMismatchedState = wanted.dropMismatchedState;

    StreamingContext context(options);
    if (auto planned = planJob(*job, context); !planned) {
        std::fprintf(stderr, "%s\n", planned.error().message.c_str());
        return kExitJobFile;
    }
    if (auto valid = context.job()->validate(); !valid) {
        std::fprintf(stderr, "%s: %s\n", wanted.jobFile.c_str(), valid.error().message.c_str());
        return kExitJobFile;
    }
    if (wanted.checkOnly) {
        std::fputs(plan(*job, context).c_str(), stdout);
        return kExitDone;
    }
    return run(context);
}

}  // namespace tidemill::tools
