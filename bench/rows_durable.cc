// rows.durable: socket -> log with fsync -> fields by split -> running aggregates -> JSON lines,
// with a checkpoint every 2 s, as a job file under `tidemill run`, next to the word count with
// running totals as a job file (words.durable's work), by turns, in bytes per second. Both are fed
// by `feeder`, told to stop when it has sent everything, and timed from its first byte to their
// last.
//
// rows_durable [--megabytes=N] [--runs=N] [--json]
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"
#include "bench/row_text.h"
#include "bench/zipf_text.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill::bench;
using namespace std::chrono_literals;

int nextPort() {
    static int port = 20'000 + static_cast<int>(::getpid() % 20'000);
    return ++port;
}

std::string jobOf(bool isRows, int port, const fs::path& work) {
    std::string text =
        "[job]\nname = \"bench\"\ninterval = \"250ms\"\n"
        "[checkpoint]\ninterval = \"2s\"\nlog_bytes = 0\n"
        "[[source]]\ntype = \"socket\"\nport = " +
        std::to_string(port) + "\n";
    if (isRows)
        return text +
               "[[step]]\ndo = \"fields\"\nby = \"split\"\nseparator = \" \"\n"
               "fields = {path = {at = 7, type = \"text\"}, status = {at = 9, type = \"text\"}, "
               "bytes = {at = 10, type = \"int\"}}\n"
               "[[step]]\nname = \"groups\"\ndo = \"aggregate\"\nkey = [\"status\", \"path\"]\n"
               "compute = {n = \"count()\", total = \"sum(bytes)\", most = \"max(bytes)\"}\n"
               "running = true\n"
               "[[output]]\nto = \"json_lines\"\npath = \"" +
               (work / "results").string() + "\"\n";
    return text +
           "[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\nname = \"counts\"\n"
           "[[step]]\ndo = \"running_totals\"\nname = \"totals\"\n"
           "[[output]]\nto = \"print\"\nfrom = \"counts\"\n";
}

double secondsOf(const fs::path& binaries, const fs::path& work, bool isRows,
                 const fs::path& text) {
    const int port = nextPort();
    const auto job = (work / "job.toml").string(), reported = (work / "feeder.json").string();
    fs::remove_all(work / "data");
    fs::remove_all(work / "results");
    std::ofstream(job) << jobOf(isRows, port, work);
    const pid_t feeder = startProgram(
        {(binaries / "feeder").string(), std::to_string(port), text.string(), "0", "1"}, reported);
    std::this_thread::sleep_for(300ms);
    const pid_t daemon = startProgram(
        {(binaries / "tidemill").string(), "run", job, "--data-dir", (work / "data").string()},
        (work / "printed.txt").string(), true);
    awaitChild(feeder, "feeder");
    ::kill(daemon, SIGTERM);
    awaitChild(daemon, "tidemill run");
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    return now.count() - jsonNumber(contentsOf(reported), "first");
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 3);
    const auto bytes = static_cast<std::size_t>(arguments.number("--megabytes", 1024)) << 20;
    const fs::path binaries = fs::path(argv[0]).parent_path();
    const fs::path work =
        fs::temp_directory_path() / ("rows_durable." + std::to_string(::getpid()));
    fs::create_directories(work);
    std::ofstream(work / "rows.txt") << rowText(RowsBy::kSplit, bytes / 90);
    std::ofstream(work / "words.txt") << zipfText(bytes, 100'000, 1.0, 7);
    const double rowBytes = static_cast<double>(fs::file_size(work / "rows.txt"));
    const double wordBytes = static_cast<double>(fs::file_size(work / "words.txt"));
    std::vector<double> ours, words, ratio;
    for (int run = 0; run < arguments.runs; ++run) {
        words.push_back(wordBytes / 1e6 / secondsOf(binaries, work, false, work / "words.txt"));
        ours.push_back(rowBytes / 1e6 / secondsOf(binaries, work, true, work / "rows.txt"));
        ratio.push_back(ours.back() / words.back());
        std::cerr << "  run " << run + 1 << ": " << ours.back() << " against " << words.back()
                  << " MB/s\n";
    }
    Figure{"rows.durable", median(ours), "MB/s", median(ratio), median(words), {}, ratio}.print(
        arguments.json);
    fs::remove_all(work);
    return 0;
}
