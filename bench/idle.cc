// idle: what a daemon costs that nobody talks to. Start to first accepted byte, then memory and
// CPU time over ten seconds.
//
// idle PROGRAM [--json]      PROGRAM is bin/tidemill
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "bench/arguments.h"
#include "bench/process.h"
#include "bench/report.h"

namespace {

namespace fs = std::filesystem;
using namespace tidemill::bench;
using Clock = std::chrono::steady_clock;

constexpr int kPort = 27'345;
constexpr int kIdleSeconds = 10;

// True once the daemon has answered a session's greeting.
bool greeted() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(kPort);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool answered = false;
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        constexpr char kGreeting[] = "session idle\n";
        char answer[64];
        answered = ::send(fd, kGreeting, sizeof kGreeting - 1, MSG_NOSIGNAL) > 0 &&
                   ::recv(fd, answer, sizeof answer, 0) > 0;
    }
    ::close(fd);
    return answered;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, 1);
    if (arguments.plain.empty()) {
        std::cerr << "usage: idle PROGRAM [--json]\n";
        return 2;
    }
    const std::string program = arguments.plain.front();
    const fs::path work = fs::temp_directory_path() / ("tidemill-idle-" + std::to_string(::getpid()));
    fs::create_directories(work);
    std::ofstream(work / "job.toml")
        << "[job]\nname = \"idle\"\n[[source]]\ntype = \"listen_acknowledged\"\nport = " << kPort
        << "\n[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n[[step]]\ndo = "
           "\"running_totals\"\nname = \"totals\"\n";
    const std::string job = (work / "job.toml").string(), data = (work / "data").string();

    const auto begun = Clock::now();
    const pid_t child =
        startProgram({program, "run", job, "--data-dir", data}, "/dev/null", true);
    while (!greeted()) {
        if (::waitpid(child, nullptr, WNOHANG) == child) {
            std::cerr << "idle: " << program << " ended by itself\n";
            return 1;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const std::chrono::duration<double, std::milli> ready = Clock::now() - begun;
    const double before = cpuSecondsOf(child);
    std::this_thread::sleep_for(std::chrono::seconds(kIdleSeconds));
    const double used = cpuSecondsOf(child) - before;
    Figure{"idle", residentMebibytesOf(child), "MiB RSS", 0, 0,
                            {{"cpu_percent", 100 * used / kIdleSeconds},
                             {"start_to_first_byte_ms", ready.count()}}}
        .print(arguments.json);
    ::kill(child, SIGTERM);
    ::waitpid(child, nullptr, 0);
    fs::remove_all(work);
    return 0;
}
