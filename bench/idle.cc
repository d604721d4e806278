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
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "bench/report.h"

namespace {

namespace fs = std::filesystem;
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

double cpuSeconds(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double residentMebibytes(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::string program;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        if (!std::strcmp(argv[i], "--json")) json = true;
        else program = argv[i];
    }
    if (program.empty()) {
        std::cerr << "usage: idle PROGRAM [--json]\n";
        return 2;
    }
    const fs::path work = fs::temp_directory_path() / ("tidemill-idle-" + std::to_string(::getpid()));
    fs::create_directories(work);
    std::ofstream(work / "job.toml")
        << "[job]\nname = \"idle\"\n[[source]]\ntype = \"listen_acknowledged\"\nport = " << kPort
        << "\n[[step]]\ndo = \"split\"\n[[step]]\ndo = \"count\"\n[[step]]\ndo = "
           "\"running_totals\"\nname = \"totals\"\n";
    const std::string job = (work / "job.toml").string(), data = (work / "data").string();

    const auto begun = Clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(126);
        ::execl(program.c_str(), program.c_str(), "run", job.c_str(), "--data-dir", data.c_str(),
                nullptr);
        ::_exit(127);
    }
    while (!greeted()) {
        if (::waitpid(child, nullptr, WNOHANG) == child) {
            std::cerr << "idle: " << program << " ended by itself\n";
            return 1;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const std::chrono::duration<double, std::milli> ready = Clock::now() - begun;
    const double before = cpuSeconds(child);
    std::this_thread::sleep_for(std::chrono::seconds(kIdleSeconds));
    const double used = cpuSeconds(child) - before;
    tidemill::bench::Figure{"idle", residentMebibytes(child), "MiB RSS", 0, 0,
                            {{"cpu_percent", 100 * used / kIdleSeconds},
                             {"start_to_first_byte_ms", ready.count()}}}
        .print(json);
    ::kill(child, SIGTERM);
    ::waitpid(child, nullptr, 0);
    fs::remove_all(work);
    return 0;
}
