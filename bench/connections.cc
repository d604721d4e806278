// connections: CPU time of a durable word count that 1,000 connections feed with 100 lines/s each,
// next to one connection that sends the same lines in the same time. Each millisecond the sender
// writes what is due: to 100 of the connections a line each, or 100 lines to the one. Both results
// are compared with a plain count.
//
// connections [--seconds=10] [--runs=N] [--json]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

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

constexpr std::size_t kConnections = 1000;
constexpr std::size_t kLinesPerMilli = 100;

struct Text {
    std::string bytes;
    std::vector<std::size_t> starts;  // of lines, and the end
    std::size_t lines() const { return starts.size() - 1; }
    std::string_view between(std::size_t first, std::size_t end) const {
        return std::string_view(bytes).substr(starts[first], starts[end] - starts[first]);
    }
};

Text makeText(std::size_t lines) {
    ZipfText zipf(100'000, 1.0, 5);
    Text text;
    for (std::size_t i = 0; i < lines; ++i) {
        text.starts.push_back(text.bytes.size());
        zipf.appendLine(text.bytes);
    }
    text.starts.push_back(text.bytes.size());
    return text;
}

// Returns the seconds it took.
double sendText(const Text& text, std::uint16_t port, std::size_t connections) {
    std::vector<int> peers(connections);
    for (auto& peer : peers) peer = dial(port);
    const std::size_t linesAtOnce = connections == 1 ? kLinesPerMilli : 1;
    const auto begun = Clock::now();
    for (std::size_t line = 0; line < text.lines(); line += linesAtOnce) {
        if (line % kLinesPerMilli == 0)
            std::this_thread::sleep_until(begun + std::chrono::milliseconds(line / kLinesPerMilli));
        sendAll(peers[line / linesAtOnce % connections],
                text.between(line, std::min(line + linesAtOnce, text.lines())));
    }
    const auto took = std::chrono::duration<double>(Clock::now() - begun).count();
    for (const int peer : peers) ::shutdown(peer, SHUT_WR);
    for (const int peer : peers) finishSending(peer);
    return took;
}

// Counts until so many lines are counted; tells its port through a pipe.
char countWords(const fs::path& directory, std::size_t lines, int reportPort) {
    core::setLogLevel(core::LogLevel::kError);
    StreamingOptions options;
    options.directory = directory;
    options.interval = Duration(250);
    StreamingContext ssc(options);
    ssc.listenTextStream("127.0.0.1", 0)
        .flatMap(splitWords)
        .map([](std::string_view word) { return std::pair(word, std::int64_t{1}); })
        .runningTotals("totals")
        .forEachBatch([](auto&) {});
    ssc.start();
    const auto port = ssc.boundPorts().front();
    if (::write(reportPort, &port, sizeof port) != sizeof port) die("no port");
    while (ssc.status().batches.records < lines)
        if (ssc.awaitTermination(50ms)) break;
    ssc.stop();
    return 0;
}

struct Run {
    Usage usage;
    double sendSeconds = 0;
};

Run runJob(const Text& text, const WordCounts& expected, const fs::path& directory,
           std::size_t connections) {
    int port[2];
    if (::pipe(port) != 0) die("no pipe");
    Forked<char> job("the job", [&] { return countWords(directory, text.lines(), port[1]); });
    Forked<double> sender("the sender", [&] {
        std::uint16_t number = 0;
        if (::read(port[0], &number, sizeof number) != sizeof number) die("no port");
        return sendText(text, number, connections);
    });
    Run run;
    run.sendSeconds = sender.await();
    job.await();
    run.usage = job.usage();
    requireSavedCounts(directory, expected, "connections");
    fs::remove_all(directory);
    ::close(port[0]);
    ::close(port[1]);
    return run;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    const int seconds = arguments.number("--seconds", 10);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    if (files.rlim_max < kConnections + 100 || ::setrlimit(RLIMIT_NOFILE, &files) != 0)
        die("a process may not open as many files as there are connections");
    const fs::path work =
        fs::temp_directory_path() / ("tidemill-connections-" + std::to_string(::getpid()));
    fs::create_directories(work);
    const Text text = makeText(kLinesPerMilli * 1000 * static_cast<std::size_t>(seconds));
    WordCounts expected;
    addPlainly(expected, text.bytes);

    std::vector<double> manyCpu, oneCpu, ratio;
    Run many, one;
    for (int run = 0; run < arguments.runs; ++run) {
        one = runJob(text, expected, work / "one", 1);
        many = runJob(text, expected, work / "many", kConnections);
        oneCpu.push_back(one.usage.cpuSeconds);
        manyCpu.push_back(many.usage.cpuSeconds);
        ratio.push_back(manyCpu.back() / oneCpu.back());
        std::cerr << "  run " << run + 1 << " of " << arguments.runs << ": " << manyCpu.back()
                  << " against " << oneCpu.back() << " s of CPU; sent in " << many.sendSeconds
                  << " and " << one.sendSeconds << " s\n";
    }
    fs::remove_all(work);
    Figure{"connections",
           median(manyCpu),
           "s of CPU",
           median(ratio),
           median(oneCpu),
           {{"lines", static_cast<double>(text.lines())},
            {"send_seconds", many.sendSeconds},
            {"reference_send_seconds", one.sendSeconds}},
           ratio}
        .print(arguments.json);
    return 0;
}
