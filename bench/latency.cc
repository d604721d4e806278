// latency.fsync: how long a line takes from its sender to the output of its batch, everything
// durable before it is processed. One sender, 1,000 lines/s over TCP, batches of 2 ms. `ratio` is
// the 99th percentile without the batch interval, to that of write(4 KiB) + fdatasync on a
// preallocated file in the same directory at the same pace, right before and after.
//
// latency [--seconds=10] [--runs=N] [--json]
#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "bench/arguments.h"
#include "bench/forked.h"
#include "bench/loopback.h"
#include "bench/report.h"
#include "bench/zipf_text.h"
#include "core/logging.h"
#include "tidemill/tidemill.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

constexpr int kLinesPerSecond = 1000;
constexpr int kWarmUpLines = kLinesPerSecond;
constexpr int kDiskCalls = 3000;  // each time
constexpr std::chrono::milliseconds kInterval{2};

// Of the whole machine, so that it compares between processes.
std::int64_t nowNanos() { return Clock::now().time_since_epoch().count(); }

double percentile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    return values[std::min(rank, values.size() - 1)];
}

ZipfText sentText() { return {10'000, 1.0, 11}; }

// Each line when it is due, behind the time at which it is sent.
char sendLines(std::uint16_t port, int lines) {
    const int fd = dial(port);
    auto text = sentText();
    std::string line;
    const auto begun = Clock::now();
    for (int i = 0; i < lines; ++i) {
        std::this_thread::sleep_until(begun +
                                      i * std::chrono::microseconds(1'000'000 / kLinesPerSecond));
        line = std::to_string(nowNanos()) + " ";
        text.appendLine(line);
        sendAll(fd, line);
    }
    finishSending(fd);
    return 0;
}

struct Latency {
    double p50, p99, max;  // milliseconds
};

// Milliseconds of each line in the order of sending; every line must come once and unchanged.
std::vector<double> measureJob(const fs::path& directory, int lines) {
    int port[2];
    if (::pipe(port) != 0) die("no pipe");
    Forked<char> sender("the sender", [&] {
        std::uint16_t number = 0;
        if (::read(port[0], &number, sizeof number) != sizeof number) die("no port");
        return sendLines(number, lines);
    });

    StreamingOptions options;
    options.directory = directory;
    options.interval = kInterval;
    StreamingContext ssc(options);
    std::vector<double> millis;
    millis.reserve(static_cast<std::size_t>(lines));
    auto expected = sentText();
    std::string wanted;
    ssc.listenTextStream("127.0.0.1", 0).forEachBatch([&](Batch<std::string_view>& batch) {
        batch.forEach([&](std::string_view line) {
            const auto now = nowNanos();
            std::int64_t sent = 0;
            const auto end = std::from_chars(line.data(), line.data() + line.size(), sent).ptr;
            millis.push_back(static_cast<double>(now - sent) / 1e6);
            wanted.clear();
            expected.appendLine(wanted);
            const auto text = line.substr(static_cast<std::size_t>(end - line.data()) + 1);
            if (std::string(text) + "\n" != wanted)
                die("line " + std::to_string(millis.size()) + " is not what was sent");
        });
    });
    ssc.start();
    const auto bound = ssc.boundPorts().front();
    if (::write(port[1], &bound, sizeof bound) != sizeof bound) die("no port");
    sender.await();
    ssc.stop();
    ::close(port[0]);
    ::close(port[1]);
    if (millis.size() != static_cast<std::size_t>(lines))
        die(std::to_string(millis.size()) + " lines came of " + std::to_string(lines));
    return millis;
}

// Appends milliseconds of write + fdatasync at the pace of the lines.
void measureDisk(const fs::path& directory, std::vector<double>& millis) {
    constexpr std::size_t kBytes = 4096;
    const auto path = directory / "disk";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ::posix_fallocate(fd, 0, kDiskCalls * kBytes) != 0 || ::fsync(fd) != 0)
        die("cannot make " + path.string());
    const std::string bytes(kBytes, 'x');
    auto due = Clock::now();
    for (int i = 0; i < kDiskCalls; ++i) {
        due = std::max(due + std::chrono::microseconds(1'000'000 / kLinesPerSecond), Clock::now());
        std::this_thread::sleep_until(due);
        const auto begun = nowNanos();
        if (::pwrite(fd, bytes.data(), kBytes, static_cast<off_t>(i * kBytes)) != kBytes ||
            ::fdatasync(fd) != 0)
            die("cannot write " + path.string());
        millis.push_back(static_cast<double>(nowNanos() - begun) / 1e6);
    }
    ::close(fd);
    fs::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    core::setLogLevel(core::LogLevel::kError);
    const int lines = kWarmUpLines + kLinesPerSecond * arguments.number("--seconds", 10);
    const fs::path work =
        fs::temp_directory_path() / ("tidemill-latency-" + std::to_string(::getpid()));
    fs::create_directories(work);

    std::vector<double> p50, p99, max, diskP50, diskP99, ratio;
    for (int run = 0; run < arguments.runs; ++run) {
        std::vector<double> disk;
        measureDisk(work, disk);
        // Its threads must be gone before the next run forks a sender.
        const auto latency = Forked<Latency>("the job", [&] {
                                 auto millis = measureJob(work / "data", lines);
                                 millis.erase(millis.begin(), millis.begin() + kWarmUpLines);
                                 return Latency{percentile(millis, 0.5), percentile(millis, 0.99),
                                                percentile(millis, 1)};
                             }).await();
        measureDisk(work, disk);
        fs::remove_all(work / "data");
        p50.push_back(latency.p50);
        p99.push_back(latency.p99);
        max.push_back(latency.max);
        diskP50.push_back(percentile(disk, 0.5));
        diskP99.push_back(percentile(disk, 0.99));
        ratio.push_back((p99.back() - static_cast<double>(kInterval.count())) / diskP99.back());
        std::cerr << "  run " << run + 1 << " of " << arguments.runs << ": p99 " << p99.back()
                  << " ms, the disk's " << diskP99.back() << " ms\n";
    }
    fs::remove_all(work);
    Figure{"latency.fsync",
           median(p99),
           "ms",
           median(ratio),
           median(diskP99),
           {{"p50", median(p50)},
            {"p99", median(p99)},
            {"max", *std::max_element(max.begin(), max.end())},
            {"disk_p50", median(diskP50)},
            {"disk_p99", median(diskP99)}},
           ratio}
        .print(arguments.json);
    return 0;
}
