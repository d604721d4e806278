// recovery.replay: a word count with 1 million keys in its checkpoint and 100 MB of log behind it
// is killed and started again. MB of log per second from start() until all is processed again,
// next to the rate at which the same 100 MB had been received, logged and counted; and the seconds
// from the start of the process to the output of its first new batch. Files are in the page cache.
// The counts are compared with a plain count.
//
// recovery_replay [--keys=1000000] [--megabytes=100] [--runs=N] [--json]
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>

#include "bench/arguments.h"
#include "bench/forked.h"
#include "bench/loopback.h"
#include "bench/report.h"
#include "bench/saved_counts.h"
#include "bench/zipf_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

// Some words of it are not among the keys before the log.
std::size_t vocabularyOf(std::size_t keys) { return keys + keys / 10; }

double secondsBetween(Clock::time_point begun, Clock::time_point ended) {
    return std::chrono::duration<double>(ended - begun).count();
}

// Each of so many words once.
std::string distinctWords(std::size_t keys) {
    ZipfText uniform(vocabularyOf(keys), 0, 1);
    WordCounts seen;
    std::string line;
    while (seen.size() < keys) {
        line.clear();
        uniform.appendLine(line);
        addPlainly(seen, line);
    }
    std::string text;
    for (std::size_t words = 0; const auto& [word, count] : seen)
        text += word + (++words % 10 == 0 ? '\n' : ' ');
    text.back() = '\n';
    return text;
}

// When what happened in a job's life. Written before `firstOutput`, which is read by others.
struct Events final : StreamingListener {
    void onBatchStarted(const BatchInfo& batch) override {
        if (!batch.replayed) return;
        if (!firstReplay) firstReplay = Clock::now();
        ++replayed;
    }
    void onStarted() override { started = Clock::now(); }
    void output() {
        if (!started || firstOutputSeen) return;
        firstOutput = Clock::now();
        firstOutputSeen = true;
    }

    std::optional<Clock::time_point> firstReplay, started;
    double replayed = 0;
    Clock::time_point firstOutput;
    std::atomic<bool> firstOutputSeen = false;
};

struct CountingJob {
    explicit CountingJob(const fs::path& directory) : context(options(directory)) {
        context.listenTextStream("127.0.0.1", 0)
            .flatMap(splitWords)
            .map([](std::string_view word) { return std::pair(word, std::int64_t{1}); })
            .runningTotals("totals")
            .forEachBatch([events = events](auto&) { events->output(); });
        context.addListener(events);
    }
    // Checkpoints are made by stop() alone.
    static StreamingOptions options(const fs::path& directory) {
        core::setLogLevel(core::LogLevel::kError);
        StreamingOptions options;
        options.directory = directory;
        options.interval = Duration(50);
        options.checkpointInterval = Duration(0);
        options.checkpointBytes = 0;
        return options;
    }
    // Returns at once when the job has ended.
    void waitALittle() {
        if (context.awaitTermination(1ms)) die("the job ended by itself");
    }

    std::shared_ptr<Events> events = std::make_shared<Events>();
    StreamingContext context;
};

// Feeds a new life of the job with a text; returns the seconds from the first byte until all is
// processed. It then stops, or is killed.
double liveSeconds(const fs::path& directory, std::string_view text, bool killed) {
    int reported[2];
    if (::pipe(reported) != 0) die("no pipe");
    Forked<char> life("the job", [&] {
        CountingJob job(directory);
        job.context.start();
        const auto port = job.context.boundPorts().front();
        if (::write(reported[1], &port, sizeof port) != sizeof port) die("no port");
        while (job.context.status().receivedBytes == 0) job.waitALittle();
        const auto begun = Clock::now();
        while (job.context.status().batches.bytes < text.size()) job.waitALittle();
        const double seconds = secondsBetween(begun, Clock::now());
        if (::write(reported[1], &seconds, sizeof seconds) != sizeof seconds) die("no seconds");
        if (killed) job.context.awaitTermination();
        job.context.stop();
        return '\0';
    });
    ::close(reported[1]);
    std::uint16_t port = 0;
    double seconds = 0;
    if (::read(reported[0], &port, sizeof port) != sizeof port) die("the job does not listen");
    const int sender = dial(port);
    sendAll(sender, text);
    if (::read(reported[0], &seconds, sizeof seconds) != sizeof seconds) die("the job ended early");
    ::close(reported[0]);
    if (killed) life.kill();
    else life.await();
    ::close(sender);
    return seconds;
}

struct Restart {
    double readSeconds = 0;    // from start() to the first batch that runs again
    double replaySeconds = 0;  // from start() to the end of the last one
    double outputSeconds = 0;  // from the start of the process to the first new batch's output
    double batches = 0;        // run again
};

Restart restart(const fs::path& directory) {
    const auto born = Clock::now();
    Forked<Restart> life("the restarted job", [&] {
        CountingJob job(directory);
        const auto begun = Clock::now();
        job.context.start();
        while (!job.events->firstOutputSeen) job.waitALittle();
        const auto& events = *job.events;
        if (!events.firstReplay) die("nothing was processed again");
        const Restart restart{secondsBetween(begun, *events.firstReplay),
                              secondsBetween(begun, *events.started),
                              secondsBetween(born, events.firstOutput), events.replayed};
        job.context.stop();
        return restart;
    });
    return life.await();
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    const fs::path work =
        fs::temp_directory_path() / ("tidemill-recovery-" + std::to_string(::getpid()));
    fs::create_directories(work);
    const auto keys = static_cast<std::size_t>(arguments.number("--keys", 1'000'000));
    const auto words = distinctWords(keys);
    const auto text =
        zipfText(static_cast<std::size_t>(arguments.number("--megabytes", 100)) * 1'000'000,
                 vocabularyOf(keys), 1.0, 2);
    WordCounts expected;
    addPlainly(expected, words);
    addPlainly(expected, text);
    liveSeconds(work / "keys", words, false);

    const double megabytes = static_cast<double>(text.size()) / 1e6;
    std::vector<double> live, replay, ratio, output;
    Restart last;
    for (int run = 0; run < arguments.runs; ++run) {
        fs::copy(work / "keys", work / "data", fs::copy_options::recursive);
        live.push_back(megabytes / liveSeconds(work / "data", text, true));
        last = restart(work / "data");
        requireSavedCounts(work / "data", expected, "recovery.replay");
        fs::remove_all(work / "data");
        replay.push_back(megabytes / last.replaySeconds);
        ratio.push_back(replay.back() / live.back());
        output.push_back(last.outputSeconds);
        std::cerr << "  run " << run + 1 << " of " << arguments.runs << ": " << replay.back()
                  << " against " << live.back() << " MB/s, output after " << output.back()
                  << " s\n";
    }
    fs::remove_all(work);
    Figure{"recovery.replay",
           median(replay),
           "MB/s",
           median(ratio),
           median(live),
           {{"first_output_seconds", median(output)},
            {"first_output_seconds_max", *std::max_element(output.begin(), output.end())},
            {"read_seconds", last.readSeconds},
            {"replay_seconds", last.replaySeconds},
            {"batches", last.batches},
            {"keys", static_cast<double>(expected.size())}},
           ratio}
        .print(arguments.json);
    return 0;
}
