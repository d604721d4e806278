// tidemill kill-test: a job that is killed at random while it is fed, compared with one that is not.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "core/file_system.h"
#include "recovery/inspect.h"
#include "state/state_store.h"
#include "tidemill/streaming_context.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"
#include "tools/kill_test/lives.h"
#include "tools/kill_test/verdict.h"
#include "tools/sandbox.h"
#include "tools/testing/confined_job.h"
#include "tools/testing/test_case.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;
using std::chrono::milliseconds;
namespace fs = std::filesystem;

// Often, so that kills find some of each: a checkpoint, the log behind it, batches to run again.
constexpr Duration kCheckpointEvery{300};
// Of programs, whose batches have a length that nobody says.
constexpr milliseconds kProgramInterval{500};

bool isJobFile(const KillTestOptions& options) {
    return options.job.size() == 1 && options.job.front().ends_with(".toml");
}

// The job file's job, with lines of acknowledged senders in place of its sources', and files in
// place of its outputs.
JobFile victim(const JobFile& given, const fs::path& scratch,
               const std::vector<std::uint16_t>& ports) {
    auto job = confined(given, scratch);
    for (std::size_t i = 0; i < job.sources.size(); ++i) {
        auto& source = job.sources[i];
        source.type = SourceSpec::Type::kListenAcknowledged;
        source.host = "127.0.0.1";
        source.port = i < ports.size() ? ports[i] : std::uint16_t{0};
        source.allowRemote = false;
        source.csv.reset();  // what sessions send is lines
    }
    job.options.checkpointInterval =
        std::min(kCheckpointEvery, job.options.checkpointInterval == Duration(0)
                                       ? kCheckpointEvery
                                       : job.options.checkpointInterval);
    return job;
}

// Errors (kInvalid): what keeps the job from running so, such as fields that only Kafka has.
Result<> check(const JobFile& job) {
    StreamingContext context(job.options);
    TM_TRY(planJob(job, context));
    return context.job()->validate();
}

Result<std::uint16_t> freePort() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool bound = fd >= 0 &&
                       ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    const int error = errno;
    if (fd >= 0) ::close(fd);
    if (!bound) return core::failErrno(error, "no port on 127.0.0.1 can be had");
    return ntohs(address.sin_port);
}

class KillTest {
public:
    explicit KillTest(const KillTestOptions& options) : options_(options) {}

    Result<Verdict> run() {
        std::error_code unknown;
        program_ = fs::read_symlink("/proc/self/exe", unknown).string();
        if (unknown)
            return core::fail(ErrorKind::kIo, "the program cannot find itself: /proc/self/exe");
        TM_ASSIGN(scratch_, options_.scratch.empty() ? ScratchDirectory::makeTemporary()
                                                     : ScratchDirectory::make(options_.scratch));
        verdict_.seed = options_.seed.value_or(std::random_device{}());
        verdict_.rounds = options_.rounds;
        verdict_.job = options_.job.front();
        TM_TRY(isJobFile(options_) ? prepareJobFile() : prepareProgram());
        TM_TRY(makeFeeds());
        TM_TRY(runAll());
        TM_TRY(compare());
        verdict_.notChecked.emplace_back(
            "power cuts",
            "what a killed process has written the kernel still has; see "
            "docs/fault_tolerance.md");
        if (!verdict_.passed() && !verdict_.checked.empty()) {
            scratch_->keep();
            verdict_.kept = scratch_->path().string();
        }
        return std::move(verdict_);
    }

private:
    static void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

    Result<> prepareJobFile() {
        TM_ASSIGN(const auto job, readJobFile(options_.job.front()));
        TM_TRY(check(victim(job, scratch_->path(), {})));
        interval_ = milliseconds(job.options.interval.count());
        for (std::size_t i = 0; i < job.sources.size(); ++i) {
            names_.push_back(testNameOf(job, i));
            TM_ASSIGN(const auto port, freePort());
            ports_.push_back(port);
            if (job.sources[i].type != SourceSpec::Type::kListenAcknowledged)
                verdict_.notChecked.emplace_back(
                    "source " + names_.back() + " (" + sourceWord(job.sources[i].type) + ")",
                    "its lines came as those of a listen_acknowledged source");
        }
        const auto inside = confined(job, scratch_->path());
        for (std::size_t i = 0; i < job.outputs.size(); ++i) {
            outputs_.push_back(outputName(i));
            if (inside.outputs[i].type != job.outputs[i].type || job.outputs[i].growing)
                verdict_.notChecked.emplace_back("how output " + std::to_string(i + 1) + " writes",
                                                 "its lines went to files of its own here");
        }
        return {};
    }

    Result<> prepareProgram() {
        if (options_.ports.empty() || options_.dataDirectory.empty())
            return core::fail(ErrorKind::kInvalid,
                              "a program needs --port, of a listen_acknowledged source that it "
                              "has on this machine, and --data-dir, its data directory in its "
                              "working directory");
        if (fs::path(options_.dataDirectory).is_absolute())
            return core::fail(ErrorKind::kInvalid,
                              "--data-dir must be a path in the program's working directory: each "
                              "run has one of its own");
        arguments_ = options_.job;
        if (arguments_.front().find('/') != std::string::npos)
            arguments_.front() = fs::absolute(arguments_.front()).string();
        ports_ = options_.ports;
        interval_ = kProgramInterval;
        for (const auto port : ports_) names_.push_back(std::to_string(port));
        verdict_.notChecked.emplace_back("outputs of the program", "only its state is compared");
        return {};
    }

    Result<> makeFeeds() {
        const auto directory = scratch_->path() / "feeds";
        TM_TRY(core::posixFileSystem().createDirectory(directory));
        for (std::size_t i = 0; i < names_.size(); ++i) {
            const auto file = fileFor(names_[i]);
            TM_ASSIGN(auto feed, file.empty()
                                     ? generateFeed(verdict_.seed + i, options_.rounds, directory,
                                                    "feed-" + std::to_string(i + 1))
                                     : cutFeed(file, options_.rounds, directory,
                                               "feed-" + std::to_string(i + 1)));
            verdict_.records += feed.lines;
            verdict_.bytes += feed.bytes;
            if (verdict_.feeds.find(feed.from) == std::string::npos)
                verdict_.feeds += (verdict_.feeds.empty() ? "" : ", ") + feed.from;
            feeds_.push_back(std::move(feed));
        }
        for (const auto& given : options_.feeds)
            if (!used_.contains(given))
                return core::fail(ErrorKind::kInvalid,
                                  "--feed " + given + " is of no source of this job");
        return {};
    }

    // Of SOURCE=FILE its own, else FILE.
    std::string fileFor(const std::string& source) {
        std::string forAll;
        for (const auto& given : options_.feeds) {
            if (given.starts_with(source + "=")) {
                used_.insert(given);
                return given.substr(source.size() + 1);
            }
            if (given.find('=') == given.npos) forAll = given;
        }
        if (!forAll.empty()) used_.insert(forAll);
        return forAll;
    }

    // Each run has a directory of its own.
    Result<Lives> lives(const std::string& name) {
        const auto directory = scratch_->path() / name;
        TM_TRY(core::posixFileSystem().createDirectory(directory));
        TestedJob job;
        job.log = scratch_->path() / (name + ".log");
        job.ports = ports_;
        job.interval = interval_;
        if (arguments_.empty()) {
            job.data = directory / "data";
            job.arguments = {program_, "kill-test", options_.job.front(), "--runs-in",
                             directory.string()};
            for (const auto port : ports_) {
                job.arguments.push_back("--port");
                job.arguments.push_back(std::to_string(port));
            }
            for (const auto& output : outputs_)
                TM_TRY(core::posixFileSystem().createDirectory(directory / output));
        } else {
            job.data = directory / options_.dataDirectory;
            job.arguments = arguments_;
            job.directory = directory;
        }
        return Lives(std::move(job), program_, feeds_, say);
    }

    Result<> runAll() {
        say("an undisturbed run");
        TM_ASSIGN(auto first, lives("first"));
        TM_TRY(first.undisturbed(milliseconds(0)));
        say("another one, with the records in other batches");
        TM_ASSIGN(auto second, lives("second"));
        TM_TRY(second.undisturbed(std::min(interval_, milliseconds(500))));
        say("the killed one");
        TM_ASSIGN(auto killed, lives("killed"));
        killed.expectPieceTakes(first.pieceTook());
        std::mt19937_64 random(verdict_.seed);
        TM_ASSIGN(auto counts, killed.killed(random));
        verdict_.kills = counts.kills;
        verdict_.whileRecovering = counts.whileRecovering;
        verdict_.recovered = std::move(counts.recovered);
        return {};
    }

    std::string dataOf(const std::string& run) const {
        return (scratch_->path() / run /
                (arguments_.empty() ? std::string("data") : options_.dataDirectory))
            .string();
    }

    Result<> compare() {
        TM_ASSIGN(const auto undisturbed, compareStates(dataOf("first"), dataOf("second")));
        TM_ASSIGN(const auto state, compareStates(dataOf("first"), dataOf("killed")));
        addTables(verdict_, undisturbed, state);
        for (const auto& output : outputs_) {
            TM_ASSIGN(const auto first, readOutput(scratch_->path() / "first" / output));
            TM_ASSIGN(const auto second, readOutput(scratch_->path() / "second" / output));
            TM_ASSIGN(const auto killed, readOutput(scratch_->path() / "killed" / output));
            addOutput(verdict_, output, compareLines(first, second), compareLines(first, killed));
        }
        return checkSoundness();
    }

    Result<> checkSoundness() {
        auto& files = core::posixFileSystem();
        const recovery::ReadsAll readsAll = [&](const core::Path& path, const recovery::Manifest&) {
            return state::verifyFiles(files, path);
        };
        TM_ASSIGN(const auto log, recovery::inspectLog(files, dataOf("killed"), readsAll));
        for (const auto& problem : log.problems)
            if (!problem.unfinishedTail && verdict_.damage.empty())
                verdict_.damage = problem.message;
        TM_ASSIGN(const auto checkpoints,
                  recovery::inspectGenerations(files, dataOf("killed"), readsAll));
        for (const auto& checkpoint : checkpoints)
            if (!checkpoint.problem.empty() && verdict_.damage.empty())
                verdict_.damage = checkpoint.problem;
        return {};
    }

    const KillTestOptions& options_;
    std::string program_;  // this one
    std::unique_ptr<ScratchDirectory> scratch_;
    std::vector<std::string> arguments_;  // of a program; empty: a job file
    std::vector<std::string> names_;      // of the sources
    std::vector<std::uint16_t> ports_;
    std::vector<std::string> outputs_;
    std::vector<Feed> feeds_;
    std::set<std::string> used_;  // of --feed
    milliseconds interval_{0};
    Verdict verdict_;
};

}  // namespace

int killTest(const KillTestOptions& options) {
    if (isJobFile(options)) {
        const auto job = readJobFile(options.job.front());
        if (!job) {
            std::fprintf(stderr, "%s\n", job.error().message.c_str());
            return kExitJobFile;
        }
        if (!options.runsIn.empty()) {
            const fs::path directory = options.runsIn;
            RunOptions run;
            run.jobFile = options.job.front();
            run.dataDirectory = directory / "data";
            return runJobFile(victim(*job, directory, options.ports), run);
        }
    }
    core::setLogLevel(core::LogLevel::kError);
    const auto verdict = KillTest(options).run();
    if (!verdict) return sayFailure(verdict.error());
    put(options.json
            ? inJson(*verdict).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
            : inWords(*verdict));
    const int written = finishOutput();
    if (written != kExitDone) return written;
    return verdict->passed() ? kExitDone : kExitFailed;
}

}  // namespace tidemill::tools
