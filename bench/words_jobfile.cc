// words.jobfile: socket -> log with fsync -> running totals -> a checkpoint every 2 s as a job file
// under `tidemill run`, next to the same job as a C++ program, by turns. Both are fed by `feeder`,
// told to stop when it has sent everything, and timed from its first byte to their last.
//
// words_jobfile TEXT [--repeat=N] [--runs=N] [--json]
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/saved_counts.h"
#include "bench/words_job.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;

int nextPort() {
    static int port = 20'000 + static_cast<int>(::getpid() % 20'000);
    return ++port;
}

// The job as a program, until it is told to stop.
void runProgram(int port, const fs::path& data) {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, nullptr);
    core::setLogLevel(core::LogLevel::kError);
    StreamingOptions options;
    options.directory = data;
    options.interval = Duration(250);
    options.checkpointInterval = Duration(2000);
    options.checkpointBytes = 0;
    StreamingContext ssc(options);
    auto counts = ssc.socketTextStream("127.0.0.1", static_cast<std::uint16_t>(port))
                      .flatMap(splitWords)
                      .map([](std::string_view word) { return std::pair(word, 1L); })
                      .reduceByKey(std::plus<>());
    counts.print(10);
    counts.runningTotals("totals");
    ssc.start();
    int signal = 0;
    sigwait(&stop, &signal);
    ssc.stop();
}

struct Bench {
    fs::path self;
    std::string text;
    int repeat;
    fs::path work;

    double seconds(bool jobFile, WordCounts& totals) const {
        const int port = nextPort();
        const fs::path data = work / "data", binaries = self.parent_path();
        const std::string reported = (work / "feeder.json").string();
        const pid_t feeder = startProgram({(binaries / "feeder").string(), std::to_string(port),
                                           text, "0", std::to_string(repeat)},
                                          reported);
        std::this_thread::sleep_for(300ms);
        const pid_t job = startProgram(
            jobFile
                ? std::vector<std::string>{(binaries / "tidemill").string(), "run",
                                           writeWordsJob(port, work), "--data-dir", data.string()}
                : std::vector<std::string>{self.string(), "--job=" + std::to_string(port),
                                           data.string()},
            (work / "printed.txt").string(), true);
        awaitChild(feeder, "feeder");
        ::kill(job, SIGTERM);
        awaitChild(job, jobFile ? "tidemill run" : "the program");
        const std::chrono::duration<double> now =
            std::chrono::system_clock::now().time_since_epoch();
        totals = savedCounts(data);
        fs::remove_all(data);
        return now.count() - jsonNumber(contentsOf(reported), "first");
    }
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    if (const int port = arguments.number("--job", 0); port != 0) {
        runProgram(port, arguments.plain.front());
        return 0;
    }
    if (arguments.plain.empty() || !fs::exists(arguments.plain.front())) {
        std::cerr << "usage: words_jobfile TEXT [--repeat=N] [--runs=N] [--json]\n";
        return 2;
    }
    const std::string text = arguments.plain.front();
    const fs::path work = fs::path(text).parent_path() / "words_jobfile.work";
    fs::remove_all(work);
    fs::create_directories(work);
    const Bench bench{fs::path(argv[0]), text, arguments.number("--repeat", 6), work};

    std::vector<double> ours, theirs, ratio;
    double words = 0;
    for (int run = 0; run < arguments.runs; ++run) {
        WordCounts byProgram, byJobFile;
        const double program = bench.seconds(false, byProgram);
        const double jobFile = bench.seconds(true, byJobFile);
        requireEqual(byJobFile, byProgram, "words.jobfile");
        words = 0;
        for (const auto& [word, count] : byProgram) words += static_cast<double>(count);
        theirs.push_back(words / program / 1e6);
        ours.push_back(words / jobFile / 1e6);
        ratio.push_back(program / jobFile);
        std::cerr << "  run " << run + 1 << " of " << arguments.runs << ": " << ours.back()
                  << " against " << theirs.back() << " million words/s\n";
    }
    Figure{"words.jobfile",
           median(ours),
           "million words/s",
           median(ratio),
           median(theirs),
           {{"seconds", words / median(ours) / 1e6}},
           ratio}
        .print(arguments.json);
    fs::remove_all(work);
    return 0;
}
