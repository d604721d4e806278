#include "tests/support/child_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <thread>

namespace tidemill::test {
namespace {

void redirect(const std::string& path, int to) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) ::dup2(fd, to);
}

}  // namespace

ChildProcess::ChildProcess(const Options& options) {
    // Everything that allocates happens before the fork: other threads may hold locks.
    std::vector<char*> arguments;
    for (const auto& argument : options.arguments)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    std::vector<std::string> assignments;
    for (char** entry = environ; *entry != nullptr; ++entry) assignments.emplace_back(*entry);
    for (const auto& [name, value] : options.environment) assignments.push_back(name + "=" + value);
    std::vector<char*> environment;
    for (auto& assignment : assignments) environment.push_back(assignment.data());
    environment.push_back(nullptr);

    pid_ = ::fork();
    if (pid_ != 0) return;
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    redirect("/dev/null", STDIN_FILENO);
    redirect(options.outputFile, STDOUT_FILENO);
    redirect(options.errorFile, STDERR_FILENO);
    ::execve(arguments[0], arguments.data(), environment.data());
    ::_exit(127);
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0 && !ended_) kill();
}

void ChildProcess::signal(int number) const {
    if (pid_ > 0 && !ended_) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds longest) {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (!ended_) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            break;
        }
        if (std::chrono::steady_clock::now() >= until) return std::nullopt;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return ended_;
}

int ChildProcess::kill() {
    signal(SIGKILL);
    while (!wait(std::chrono::seconds(60))) {
    }
    return *ended_;
}

std::string tailOf(const std::string& path, std::size_t lines) {
    std::ifstream file(path);
    std::deque<std::string> last;
    for (std::string line; std::getline(file, line);) {
        last.push_back(line);
        if (last.size() > lines) last.pop_front();
    }
    std::string text;
    for (const auto& line : last) text += line + "\n";
    return text;
}

std::string outputOf(const std::vector<std::string>& arguments, int& code) {
    char path[] = "/tmp/tidemill-output-XXXXXX";
    const int fd = ::mkstemp(path);
    ChildProcess child({.arguments = arguments, .environment = {}, .outputFile = path});
    code = child.wait(std::chrono::seconds(60)).value_or(-1);
    std::string text;
    std::array<char, 65536> piece;
    for (ssize_t count; (count = ::read(fd, piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(count));
    ::close(fd);
    ::unlink(path);
    return text;
}

std::uint16_t freePort() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

}  // namespace tidemill::test
