#include "tools/kill_test/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace tidemill::tools {

using core::Result;

namespace {

constexpr std::chrono::milliseconds kLookEvery{5};

// Between fork and exec: calls that are safe for signals only. Says on `failed` what went wrong.
[[noreturn]] void become(const std::vector<char*>& arguments, const char* directory, int log,
                         int failed, pid_t parent) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent && ::dup2(log, STDOUT_FILENO) >= 0 &&
        ::dup2(log, STDERR_FILENO) >= 0 && (*directory == '\0' || ::chdir(directory) == 0))
        ::execvp(arguments.front(), arguments.data());
    const int error = errno;
    (void)!::write(failed, &error, sizeof error);
    ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const std::vector<std::string>& arguments,
                                                const std::filesystem::path& directory,
                                                const std::filesystem::path& log) {
    std::vector<char*> words;
    for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return core::failErrno(errno, "open failed: file=" + log.string());
    int failed[2];
    if (::pipe2(failed, O_CLOEXEC) != 0) {
        ::close(file);
        return core::failErrno(errno, "pipe failed");
    }
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) become(words, directory.c_str(), file, failed[1], parent);
    int error = pid < 0 ? errno : 0;
    ::close(file);
    ::close(failed[1]);
    if (pid > 0 && ::read(failed[0], &error, sizeof error) == sizeof error)
        ::waitpid(pid, nullptr, 0);
    ::close(failed[0]);
    if (error != 0) return core::failErrno(error, "cannot be run: program=" + arguments.front());
    return std::unique_ptr<Process>(new Process(pid));
}

Process::~Process() { kill(); }

bool Process::kill() {
    if (ended()) return false;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    ended_ = -SIGKILL;
    return true;
}

void Process::terminate() {
    if (!ended()) ::kill(pid_, SIGTERM);
}

std::optional<int> Process::ended() {
    if (ended_) return ended_;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return ended_;
}

std::optional<int> Process::wait(std::chrono::milliseconds longest) {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (!ended() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(kLookEvery);
    return ended_;
}

std::string endInWords(int ended) {
    return ended < 0 ? "signal " + std::to_string(-ended) : "exit code " + std::to_string(ended);
}

}  // namespace tidemill::tools
