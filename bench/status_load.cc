// status.load: the word count as a job file under `tidemill run` at full load, with its page open
// and its status and metrics asked for every second, next to the same that nobody looks at, by
// turns: words/s, and how long answers take.
//
// status_load TEXT [--repeat=N] [--runs=N] [--json]
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>

#include "bench/arguments.h"
#include "bench/loopback.h"
#include "bench/report.h"
#include "bench/saved_counts.h"
#include "bench/words_job.h"
#include "tools/control/ask.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace tidemill;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

constexpr auto kAskEvery = 1s;

// The whole answer; ends the benchmark when it is none.
std::string answerTo(std::uint16_t port, const std::string& path) {
    const int fd = dial(port);
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) die("no answer: " + path);
    std::string answer;
    char part[1 << 16];
    for (ssize_t n = 0; (n = ::recv(fd, part, sizeof part, 0)) > 0;)
        answer.append(part, static_cast<std::size_t>(n));
    ::close(fd);
    if (!answer.starts_with("HTTP/1.1 200")) die(path + ": " + answer.substr(0, 200));
    return answer;
}

// Looks at a job until it is told to stop, as an operator's tools do.
class Watchers {
public:
    Watchers(std::uint16_t page, std::string directory)
        : page_(page),
          directory_(std::move(directory)),
          events_([this] { followEvents(); }),
          asking_([this] { ask(); }) {}
    // How long each answer took, in milliseconds.
    std::vector<double> stop() {
        stopping_ = true;
        events_.join();
        asking_.join();
        if (eventBytes_ == 0) die("the page was sent no events");
        return millis_;
    }

private:
    void followEvents() {
        const int fd = dial(page_);
        const std::string request =
            "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
        if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) die("no events");
        char part[1 << 16];
        while (!stopping_) {
            pollfd ready{fd, POLLIN, 0};
            if (::poll(&ready, 1, 100) <= 0) continue;
            const auto n = ::recv(fd, part, sizeof part, 0);
            if (n <= 0) break;
            eventBytes_ += static_cast<std::size_t>(n);
        }
        ::close(fd);
    }

    void ask() {
        for (auto next = Clock::now(); !stopping_; next += kAskEvery) {
            timed([&] { answerTo(page_, "/api/v1/status"); });
            timed([&] { answerTo(page_, "/metrics"); });
            timed([&] {
                if (!tools::askForJson(directory_, "status")) die("no status");
            });
            while (!stopping_ && Clock::now() < next + kAskEvery) std::this_thread::sleep_for(5ms);
        }
    }

    template <class F>
    void timed(F&& f) {
        const auto begin = Clock::now();
        f();
        millis_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }

    const std::uint16_t page_;
    const std::string directory_;
    std::atomic<bool> stopping_ = false;
    std::size_t eventBytes_ = 0;
    std::vector<double> millis_;
    std::thread events_, asking_;
};

struct Bench {
    fs::path binaries;
    std::string text;
    int repeat;
    fs::path work;

    double seconds(std::vector<double>* answers, double& words) const {
        const int port = freePort();
        const auto page = freePort();
        const fs::path data = work / "data";
        const std::string reported = (work / "feeder.json").string();
        const pid_t feeder = startProgram({(binaries / "feeder").string(), std::to_string(port),
                                           text, "0", std::to_string(repeat)},
                                          reported);
        std::this_thread::sleep_for(300ms);
        const auto job =
            writeWordsJob(port, work, "[page]\nlisten = \"" + std::to_string(page) + "\"\n");
        const pid_t daemon = startProgram(
            {(binaries / "tidemill").string(), "run", job, "--data-dir", data.string()},
            (work / "printed.txt").string(), true);
        for (int fd = -1; (fd = tryDial(page)) < 0 || ::close(fd) != 0;)
            std::this_thread::sleep_for(1ms);
        if (answers != nullptr) {
            Watchers watchers(page, data.string());
            awaitChild(feeder, "feeder");
            const auto millis = watchers.stop();
            answers->insert(answers->end(), millis.begin(), millis.end());
        } else {
            awaitChild(feeder, "feeder");
        }
        ::kill(daemon, SIGTERM);
        awaitChild(daemon, "tidemill run");
        const std::chrono::duration<double> now =
            std::chrono::system_clock::now().time_since_epoch();
        words = 0;
        for (const auto& [word, count] : savedCounts(data)) words += static_cast<double>(count);
        fs::remove_all(data);
        return now.count() - jsonNumber(contentsOf(reported), "first");
    }
};

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 5);
    if (arguments.plain.empty() || !fs::exists(arguments.plain.front())) {
        std::cerr << "usage: status_load TEXT [--repeat=N] [--runs=N] [--json]\n";
        return 2;
    }
    const std::string text = arguments.plain.front();
    const fs::path work = fs::path(text).parent_path() / "status_load.work";
    fs::remove_all(work);
    fs::create_directories(work);
    const Bench bench{fs::path(argv[0]).parent_path(), text, arguments.number("--repeat", 6), work};

    std::vector<double> watched, alone, ratio, answers;
    for (int run = 0; run < arguments.runs; ++run) {
        double words = 0, same = 0;
        const double withoutSeconds = bench.seconds(nullptr, words);
        const double withSeconds = bench.seconds(&answers, same);
        if (words != same) die("status.load: the two jobs counted differently");
        watched.push_back(words / withSeconds / 1e6);
        alone.push_back(words / withoutSeconds / 1e6);
        ratio.push_back(withoutSeconds / withSeconds);
        std::cerr << "  run " << run + 1 << " of " << arguments.runs << ": " << watched.back()
                  << " against " << alone.back() << " million words/s\n";
    }
    std::sort(answers.begin(), answers.end());
    Figure{"status.load",
           median(watched),
           "million words/s",
           median(ratio),
           median(alone),
           {{"answers", static_cast<double>(answers.size())},
            {"answer_p50_ms", median(answers)},
            {"answer_p99_ms", answers[answers.size() * 99 / 100]},
            {"answer_max_ms", answers.back()}},
           ratio}
        .print(arguments.json);
    fs::remove_all(work);
    return 0;
}
