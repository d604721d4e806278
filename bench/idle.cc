// idle: what a daemon costs that nobody talks to. Start to first answered byte, then memory and CPU
// time over ten seconds; in a new directory, and with a million keys in the state of a job that was
// stopped gracefully.
//
// idle PROGRAM [--json]      PROGRAM is bin/tidemill
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/arguments.h"
#include "bench/loopback.h"
#include "bench/process.h"
#include "bench/report.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

constexpr int kIdleSeconds = 10;
constexpr int kKeys = 1'000'000;

// A word count under `tidemill run`.
class Daemon {
public:
    Daemon(std::string program, const fs::path& work)
        : program_(std::move(program)), work_(work), port_(freePort()) {
        fs::create_directories(work);
        std::ofstream(work / "job.toml")
            << "[job]\nname = \"idle\"\n[[source]]\ntype = \"listen_acknowledged\"\nport = "
            << port_
            << "\n[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n[[step]]\ndo = "
               "\"running_totals\"\nname = \"totals\"\n";
    }

    // Returns the milliseconds until the first answered byte.
    double start() {
        const auto begun = Clock::now();
        child_ =
            startProgram({program_, "run", (work_ / "job.toml").string(), "--data-dir", data()},
                         (work_ / "output").string(), true);
        while (!greeted()) {
            if (::waitpid(child_, nullptr, WNOHANG) == child_)
                die(program_ + " ended by itself:\n" + contentsOf((work_ / "output").string()));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
    }

    // Gracefully: with a checkpoint.
    void stop() const {
        ::kill(child_, SIGTERM);
        awaitChild(child_, program_);
    }

    // Words "key0" and so on; returns when all are durable.
    void feedKeys(int keys) const {
        const auto text = (work_ / "keys").string();
        std::ofstream file(text);
        for (int key = 0; key < keys; ++key) file << "key" << key << (key % 10 == 9 ? '\n' : ' ');
        file << std::flush;
        awaitChild(
            startProgram({program_, "send", "--session", "keys", std::to_string(port_), text},
                         "/dev/null", true),
            program_ + " send");
    }

    // Keys in the state as the newest checkpoint has it, each counted once.
    int keysCountedOnce() const {
        const auto listed = (work_ / "state").string();
        awaitChild(startProgram({program_, "state", "export", "totals", "--data-dir", data()},
                                listed, true),
                   program_ + " state export");
        std::ifstream file(listed);
        int keys = 0;
        for (std::string line; std::getline(file, line);)
            keys += line.starts_with("key") && line.ends_with("\t1") ? 1 : 0;
        return keys;
    }

    pid_t pid() const { return child_; }

private:
    std::string data() const { return (work_ / "data").string(); }

    // True once the daemon has answered a session's greeting.
    bool greeted() const {
        const int fd = tryDial(port_);
        if (fd < 0) return false;
        constexpr char kGreeting[] = "session idle\n";
        char answer[64];
        const bool answered = ::send(fd, kGreeting, sizeof kGreeting - 1, MSG_NOSIGNAL) > 0 &&
                              ::recv(fd, answer, sizeof answer, 0) > 0;
        ::close(fd);
        return answered;
    }

    const std::string program_;
    const fs::path work_;
    const std::uint16_t port_;
    pid_t child_ = -1;
};

struct Idle {
    double readyMillis = 0;
    double cpuPercent = 0;
    double residentMebibytes = 0;
};

Idle measure(Daemon& daemon) {
    Idle idle;
    idle.readyMillis = daemon.start();
    const double before = cpuSecondsOf(daemon.pid());
    std::this_thread::sleep_for(std::chrono::seconds(kIdleSeconds));
    idle.cpuPercent = 100 * (cpuSecondsOf(daemon.pid()) - before) / kIdleSeconds;
    idle.residentMebibytes = residentMebibytesOf(daemon.pid());
    daemon.stop();
    return idle;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 1);
    if (arguments.plain.empty()) {
        std::fprintf(stderr, "usage: idle PROGRAM [--json]\n");
        return 2;
    }
    const fs::path work =
        fs::temp_directory_path() / ("tidemill-idle-" + std::to_string(::getpid()));
    Daemon fresh(arguments.plain.front(), work / "fresh");
    const Idle nothing = measure(fresh);

    Daemon grown(arguments.plain.front(), work / "grown");
    grown.start();
    grown.feedKeys(kKeys);
    grown.stop();
    if (const int keys = grown.keysCountedOnce(); keys != kKeys)
        die("idle: the state has " + std::to_string(keys) + " keys of " + std::to_string(kKeys));
    const Idle million = measure(grown);
    fs::remove_all(work);
    Figure{"idle",
           nothing.residentMebibytes,
           "MiB RSS",
           0,
           0,
           {{"cpu_percent", nothing.cpuPercent},
            {"start_to_first_byte_ms", nothing.readyMillis},
            {"million_keys_rss_mib", million.residentMebibytes},
            {"million_keys_cpu_percent", million.cpuPercent},
            {"million_keys_start_to_first_byte_ms", million.readyMillis}}}
        .print(arguments.json);
    return 0;
}
