// words.durable: socket -> log with fsync -> running totals -> a checkpoint every 2 s, on all
// cores, next to hand_word_count with the same durability, by turns. Both are fed by `feeder`.
// window.reduce, with --window: the same with counts over 60 s that slide by 1 s, with an inverse,
// instead of totals, next to the totals; long enough that words leave the window.
// words.interval, with --interval: words.durable with batches every 10 s, until a stop has
// processed all, next to the same with batches every 250 ms and the same budgets.
//
// words_durable TEXT [--window | --interval] [--repeat=N] [--runs=N] [--json]
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "bench/arguments.h"
#include "bench/forked.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/saved_counts.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

// What one run of either side tells.
struct Run {
    double seconds = 0;
    double words = 0;
    double checkpoints = 0;
    double writtenBytes = 0;
    double cpuSeconds = 0;
    double peakMebibytes = 0;
};

class Bench {
public:
    // What the job keeps of the counts.
    enum class Kept { kTotals, kWindow };

    Bench(std::string binaries, std::string text, int repeat, fs::path work,
          Kept kept = Kept::kTotals, Duration interval = Duration(250), bool untilStopped = false)
        : binaries_(std::move(binaries)),
          text_(std::move(text)),
          repeat_(repeat),
          work_(work),
          kept_(kept),
          interval_(interval),
          untilStopped_(untilStopped) {}

    Run hand() {
        const int port = nextPort();
        const pid_t feeder = feed(port);
        const pid_t child = startProgram(
            {binaries_ + "/hand_word_count", std::to_string(port), (work_ / "hand.log").string(),
             "2", "--counts", (work_ / "hand.counts").string()},
            (work_ / "hand.json").string());
        Run run;
        used(run, awaitChild(child, "hand_word_count"));
        awaitChild(feeder, "feeder");
        const auto text = contentsOf((work_ / "hand.json").string());
        run.seconds = jsonNumber(text, "seconds");
        run.words = jsonNumber(text, "words");
        run.checkpoints = jsonNumber(text, "checkpoints");
        run.writtenBytes = jsonNumber(text, "bytes");
        fs::remove(work_ / "hand.log");
        fs::remove(work_ / "hand.log.ckpt");
        return run;
    }

    Run engine() {
        const int port = nextPort();
        const pid_t feeder = feed(port);
        Forked<Run> job("the job", [&] { return runJob(port); });
        Run run = job.await();
        used(run, job.usage());
        awaitChild(feeder, "feeder");
        return run;
    }

    // What the engine left is what the reference counted.
    void compare() const {
        requireSavedCounts(work_ / "data", readCounts((work_ / "hand.counts").string()),
                           "words.durable");
    }

private:
    static void used(Run& run, const Usage& usage) {
        run.cpuSeconds = usage.cpuSeconds;
        run.peakMebibytes = usage.peakMebibytes;
    }

    static int nextPort() {
        static int port = 20'000 + static_cast<int>(::getpid() % 20'000);
        return ++port;
    }

    pid_t feed(int port) {
        const pid_t feeder = startProgram(
            {binaries_ + "/feeder", std::to_string(port), text_, "0", std::to_string(repeat_)},
            (work_ / "feeder.json").string());
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        return feeder;
    }

    // In a process of its own, so that its memory and CPU time are its own.
    Run runJob(int port) const {
        fs::remove_all(work_ / "data");
        core::setLogLevel(core::LogLevel::kError);
        StreamingOptions options;
        options.directory = work_ / "data";
        options.interval = interval_;
        options.checkpointInterval = Duration(2000);
        options.checkpointBytes = 0;
        StreamingContext ssc(options);
        auto counts = ssc.socketTextStream("127.0.0.1", static_cast<std::uint16_t>(port))
                          .flatMap(splitWords)
                          .map([](std::string_view word) { return std::pair(word, 1L); })
                          .reduceByKey(std::plus<>());
        std::ostringstream printed;
        counts.print(10, printed);
        if (kept_ == Kept::kTotals) counts.runningTotals("totals");
        else
            counts
                .reduceByKeyAndWindow(
                    std::plus<>(), std::minus<>(), 60s, 1s,
                    [](const auto& count) { return count.second != 0; }, "totals")
                .print(10, printed);
        const auto total = fs::file_size(text_) * static_cast<std::uint64_t>(repeat_);
        ssc.start();
        while (ssc.status().receivedBytes == 0) std::this_thread::sleep_for(1ms);
        const auto begun = Clock::now();
        const auto done = [&] {
            const auto status = ssc.status();
            return (untilStopped_ ? status.receivedBytes : status.batches.bytes) >= total;
        };
        while (!done()) {
            if (ssc.state() == StreamingContext::State::kStopped) ssc.awaitTermination();
            std::this_thread::sleep_for(1ms);
        }
        if (untilStopped_) ssc.stop();
        Run run;
        run.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
        const auto status = ssc.status();
        run.checkpoints = static_cast<double>(status.checkpoints);
        run.writtenBytes = static_cast<double>(status.logWrittenBytes + status.checkpointBytes);
        // The window takes its last batches in at the next whole second.
        if (kept_ == Kept::kWindow) std::this_thread::sleep_for(1500ms);
        ssc.stop();
        return run;
    }

    const std::string binaries_;
    const std::string text_;
    const int repeat_;
    const fs::path work_;
    const Kept kept_;
    const Duration interval_;
    const bool untilStopped_;  // the time that a stop takes to process the rest counts
};

// Words of the text, as the reference counts them, and that a window of everything has the totals.
double checkWindow(const std::string& binaries, const std::string& text, const fs::path& work) {
    Bench whole(binaries, text, 2, work, Bench::Kept::kWindow);
    const Run hand = whole.hand();
    whole.engine();
    whole.compare();
    return hand.words / 2;
}

int windowReduce(const std::string& binaries, const std::string& text, const fs::path& work,
                 int repeat, int runs, bool json) {
    const double words = checkWindow(binaries, text, work);
    std::vector<double> windows, totals, ratio;
    Run last;
    for (int run = 0; run < runs; ++run) {
        Bench plain(binaries, text, repeat, work);
        Bench windowed(binaries, text, repeat, work, Bench::Kept::kWindow);
        // By turns, each first as often as the other.
        Run total;
        if (run % 2 == 0) total = plain.engine();
        last = windowed.engine();
        if (run % 2 == 1) total = plain.engine();
        totals.push_back(words * repeat / total.seconds / 1e6);
        windows.push_back(words * repeat / last.seconds / 1e6);
        ratio.push_back(windows.back() / totals.back());
        std::cerr << "  run " << run + 1 << " of " << runs << ": " << windows.back() << " against "
                  << totals.back() << " million words/s\n";
    }
    Figure{"window.reduce",
           median(windows),
           "million words/s",
           median(ratio),
           median(totals),
           {{"seconds", last.seconds},
            {"checkpoints", last.checkpoints},
            {"cpu_seconds", last.cpuSeconds},
            {"written_bytes", last.writtenBytes},
            {"peak_rss_mib", last.peakMebibytes}},
           ratio}
        .print(json);
    return 0;
}

int longInterval(const std::string& binaries, const std::string& text, const fs::path& work,
                 int repeat, int runs, bool json) {
    const auto bench = [&](Duration interval) {
        return Bench(binaries, text, repeat, work, Bench::Kept::kTotals, interval, true);
    };
    const Run hand = bench(Duration(250)).hand();
    std::vector<double> longs, shorts, ratio;
    Run longRun, shortRun;
    for (int run = 0; run < runs; ++run) {
        // By turns, each first as often as the other.
        if (run % 2 == 0) shortRun = bench(Duration(250)).engine();
        longRun = bench(Duration(10'000)).engine();
        bench(Duration(10'000)).compare();
        if (run % 2 == 1) shortRun = bench(Duration(250)).engine();
        longs.push_back(hand.words / longRun.seconds / 1e6);
        shorts.push_back(hand.words / shortRun.seconds / 1e6);
        ratio.push_back(longs.back() / shorts.back());
        std::cerr << "  run " << run + 1 << " of " << runs << ": " << longs.back() << " against "
                  << shorts.back() << " million words/s\n";
    }
    Figure{"words.interval",
           median(longs),
           "million words/s",
           median(ratio),
           median(shorts),
           {{"seconds", longRun.seconds},
            {"cpu_seconds", longRun.cpuSeconds},
            {"written_bytes", longRun.writtenBytes},
            {"peak_rss_mib", longRun.peakMebibytes},
            {"reference_seconds", shortRun.seconds},
            {"reference_cpu_seconds", shortRun.cpuSeconds},
            {"reference_peak_rss_mib", shortRun.peakMebibytes}},
           ratio}
        .print(json);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 0);
    const bool json = arguments.json;
    int repeat = arguments.number("--repeat", 0), runs = arguments.runs;
    const std::string text = arguments.plain.empty() ? "" : arguments.plain.front();
    if (text.empty() || !fs::exists(text)) {
        std::cerr << "usage: words_durable TEXT [--window | --interval] [--repeat=N] [--runs=N] "
                     "[--json]\n";
        return 2;
    }
    const fs::path work = fs::path(text).parent_path() / "words_durable.work";
    fs::remove_all(work);
    fs::create_directories(work);
    const fs::path self = argv[0];
    if (arguments.has("--window")) {
        const int code = windowReduce(self.parent_path().string(), text, work,
                                      repeat != 0 ? repeat : 30, runs != 0 ? runs : 3, json);
        fs::remove_all(work);
        return code;
    }
    if (arguments.has("--interval")) {
        const int code = longInterval(self.parent_path().string(), text, work,
                                      repeat != 0 ? repeat : 20, runs != 0 ? runs : 3, json);
        fs::remove_all(work);
        return code;
    }
    if (repeat == 0) repeat = 10;
    if (runs == 0) runs = 5;
    Bench bench(self.parent_path().string(), text, repeat, work);

    std::vector<double> ours, theirs, ratio;
    Run engine, hand;
    for (int run = 0; run < runs; ++run) {
        hand = bench.hand();
        engine = bench.engine();
        bench.compare();
        theirs.push_back(hand.words / hand.seconds / 1e6);
        ours.push_back(hand.words / engine.seconds / 1e6);
        ratio.push_back(ours.back() / theirs.back());
        std::cerr << "  run " << run + 1 << " of " << runs << ": " << ours.back() << " against "
                  << theirs.back() << " million words/s\n";
    }
    const double megabytes = static_cast<double>(fs::file_size(text)) * repeat / 1e6;
    Figure{"words.durable",
           median(ours),
           "million words/s",
           median(ratio),
           median(theirs),
           {{"mb_per_s", megabytes / engine.seconds},
            {"seconds", engine.seconds},
            {"checkpoints", engine.checkpoints},
            {"cpu_seconds", engine.cpuSeconds},
            {"written_bytes", engine.writtenBytes},
            {"peak_rss_mib", engine.peakMebibytes},
            {"reference_seconds", hand.seconds},
            {"reference_checkpoints", hand.checkpoints},
            {"reference_cpu_seconds", hand.cpuSeconds},
            {"reference_peak_rss_mib", hand.peakMebibytes}},
           ratio}
        .print(json);
    fs::remove_all(work);
    return 0;
}
