#include "tests/tidemill/overload_rig.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/file_system.h"
#include "core/logging.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"
#include "tests/support/test_client.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMebi = 1 << 20;
constexpr std::size_t kLineBytes = 400;
constexpr std::size_t kMaxBatchBytes = 2 * kMebi;
// The program itself, stacks, the writing of log and RocksDB, the tables of one batch, and what
// malloc keeps of what was freed; measured after a minute: 41 MiB.
constexpr std::size_t kBesideBudgetsBytes = 64 * kMebi;

StreamingOptions options(const fs::path& directory) {
    StreamingOptions options;
    options.directory = directory;
    options.interval = 100ms;
    options.workers = 2;
    options.maxBatchBytes = kMaxBatchBytes;
    options.receiveBudgetBytes = 32 * kMebi;
    options.maxBacklogBytes = 64 * kMebi;
    options.blockBytes = 512 << 10;
    options.deltaBudgetBytes = 8 * kMebi;
    options.stateCacheBytes = 8 * kMebi;
    options.segmentBytes = 16 * kMebi;
    options.checkpointInterval = 2s;
    return options;
}

std::size_t peakResidentBytes() {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
    return 0;
}

template <class T>
void report(int pipe, const T& value) {
    if (::write(pipe, &value, sizeof value) != sizeof value) ::_exit(3);
}
template <class T>
bool hear(int pipe, T& value) {
    return ::read(pipe, &value, sizeof value) == sizeof value;
}

// The child's life: tells its port, runs until it is told to stop, tells what it saw.
void runJob(const fs::path& directory, int commands, int reports) {
    core::setLogLevel(core::LogLevel::kError);
    StreamingContext ssc(options(directory));
    ssc.listenTextStream("127.0.0.1", 0)
        .map([](std::string_view line) {
            // Slow whatever else runs on the machine.
            std::this_thread::sleep_for(std::chrono::microseconds(10));
            return line;
        })
        .flatMap(splitWords)
        .filter([](std::string_view word) { return word.front() != '.'; })
        .map([](std::string_view word) { return std::pair(word, std::int64_t{1}); })
        .runningTotals("totals")
        .forEachBatch([](auto&) {});
    ssc.start();
    report(reports, ssc.boundPorts().front());

    Overload seen;
    std::atomic<bool> stopping = false;
    std::thread watcher([&] {
        while (!stopping) {
            const auto status = ssc.status();
            seen.receiveBytes = std::max(seen.receiveBytes, status.receiveBytes);
            seen.receiveBudgetBytes = status.receiveBudgetBytes;
            seen.deltaBytes = std::max(seen.deltaBytes, status.deltaBytes);
            seen.deltaBudgetBytes = status.deltaBudgetBytes;
            seen.checkpoints = std::max(seen.checkpoints, status.checkpoints);
            std::this_thread::sleep_for(5ms);
        }
    });
    char stop = 0;
    hear(commands, stop);
    ssc.stop();
    stopping = true;
    watcher.join();
    seen.peakBytes = peakResidentBytes();
    seen.budgetBytes =
        seen.receiveBudgetBytes + seen.deltaBudgetBytes + ssc.options().stateCacheBytes;
    report(reports, seen);
}

// Line `number`: a word that no other line has, one of a thousand common ones, and filling.
void appendLine(std::string& text, std::uint64_t number) {
    const std::size_t begin = text.size();
    text += "own" + std::to_string(number) + " common" + std::to_string(number % 1000) + " .";
    text.resize(begin + kLineBytes - 1, '.');
    text += '\n';
}

// Sends until the time is over and all is read; counts lines.
void sendFor(TestClient& client, std::chrono::seconds length, Overload& run) {
    constexpr int kLinesAtOnce = 100;
    std::string text;
    std::chrono::duration<double> making{};
    const auto begun = Clock::now();
    while (Clock::now() - begun < length) {
        const auto before = Clock::now();
        text.clear();
        for (int i = 0; i < kLinesAtOnce; ++i) appendLine(text, run.lines++);
        making += Clock::now() - before;
        if (!client.send(text)) {
            ADD_FAILURE() << "the job does not read any more";
            break;
        }
    }
    const std::chrono::duration<double> sending = Clock::now() - begun;
    const auto bytes = static_cast<double>(run.lines * kLineBytes);
    run.offeredBytesPerSecond = bytes / making.count();
    run.takenBytesPerSecond = bytes / sending.count();
    client.finishSending();
    // It ends the connection when it has read everything, which takes as long as it takes.
    char ignored = 0;
    while (::recv(client.fd(), &ignored, 1, 0) < 0 && (errno == EAGAIN || errno == EINTR)) {
    }
}

void readTotals(const fs::path& directory, Overload& run) {
    const auto generations = recovery::inspectGenerations(core::posixFileSystem(), directory);
    ASSERT_TRUE(generations && !generations->empty());
    auto reader = state::StateReader::open(generations->front().path);
    ASSERT_TRUE(reader) << reader.error().message;
    for (const auto& entry : (*reader)->mark().operators) {
        const auto read =
            (*reader)->scan(entry.id, 0, {}, [&](std::string_view word, std::string_view value) {
                std::uint64_t count = 0;
                std::memcpy(&count, value.data(), sizeof count);
                if (word.starts_with("own")) {
                    ++run.ownKeys;
                    run.ownKeysOnce += count == 1 ? 1 : 0;
                } else {
                    run.commonSum += count;
                }
                return true;
            });
        ASSERT_TRUE(read) << read.error().message;
    }
}

}  // namespace

Overload overload(std::chrono::seconds length) {
    const fs::path directory =
        fs::temp_directory_path() / ("tidemill-overload-" + std::to_string(::getpid()));
    fs::remove_all(directory);
    int toJob[2], fromJob[2];
    EXPECT_TRUE(::pipe(toJob) == 0 && ::pipe(fromJob) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        runJob(directory, toJob[0], fromJob[1]);
        ::_exit(0);
    }
    ::close(fromJob[1]);
    Overload sent, run;
    std::uint16_t port = 0;
    EXPECT_TRUE(hear(fromJob[0], port)) << "the job did not start";
    {
        TestClient client(port);
        EXPECT_TRUE(client.connected());
        sendFor(client, length, sent);
    }
    EXPECT_EQ(::write(toJob[1], "", 1), 1);
    EXPECT_TRUE(hear(fromJob[0], run)) << "the job ended early";
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    run.lines = sent.lines;
    run.offeredBytesPerSecond = sent.offeredBytesPerSecond;
    run.takenBytesPerSecond = sent.takenBytesPerSecond;
    for (const int end : {toJob[0], toJob[1], fromJob[0]}) ::close(end);
    readTotals(directory, run);
    fs::remove_all(directory);
    return run;
}

void expectBounded(const Overload& run) {
    std::printf(
        "peak %zu MiB of %zu MiB of budgets; received and waiting %zu KiB of %zu, changed "
        "state %zu KiB of %zu; %llu checkpoints; offered %.0f MB/s, taken %.1f MB/s\n",
        run.peakBytes >> 20, run.budgetBytes >> 20, run.receiveBytes >> 10,
        run.receiveBudgetBytes >> 10, run.deltaBytes >> 10, run.deltaBudgetBytes >> 10,
        static_cast<unsigned long long>(run.checkpoints), run.offeredBytesPerSecond / 1e6,
        run.takenBytesPerSecond / 1e6);
    // It was an overload.
    EXPECT_GE(run.offeredBytesPerSecond, 2 * run.takenBytesPerSecond);
    EXPECT_GE(run.receiveBytes, run.receiveBudgetBytes * 8 / 10) << "its memory was never used up";

    EXPECT_LE(run.peakBytes, run.budgetBytes + kBesideBudgetsBytes);
    // What a batch reads back from the log comes on top: its blocks, in buffers of powers of two.
    EXPECT_LE(run.receiveBytes, run.receiveBudgetBytes + 2 * kMaxBatchBytes);
    EXPECT_LE(run.deltaBytes, run.deltaBudgetBytes);

    EXPECT_EQ(run.ownKeys, run.lines);
    EXPECT_EQ(run.ownKeysOnce, run.lines);
    EXPECT_EQ(run.commonSum, run.lines);
}

}  // namespace tidemill::test
