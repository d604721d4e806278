// Child processes for tests that kill them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidemill::test {

// Runs a program until it ends or is killed; killed when destroyed. Output goes to files, appended.
// Thread safety: externally synchronized.
class ChildProcess {
public:
    struct Options {
        std::vector<std::string> arguments;              // the program's path first
        std::map<std::string, std::string> environment;  // beside our own
        std::string outputFile = "/dev/null";
        std::string errorFile = "/dev/null";
    };
    explicit ChildProcess(const Options& options);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number) const;

    // How it ended: an exit code, or 128 + the signal's number. Waits for it at most so long.
    std::optional<int> wait(std::chrono::milliseconds longest);
    std::optional<int> poll() { return wait(std::chrono::milliseconds(0)); }

    // SIGKILL, and waits until it is gone.
    int kill();

private:
    pid_t pid_ = -1;
    std::optional<int> ended_;
};

// The last lines of a file, for messages.
std::string tailOf(const std::string& path, std::size_t lines = 15);

// Runs a program to its end and returns what it printed; `code` gets its exit code.
std::string outputOf(const std::vector<std::string>& arguments, int& code);

// A TCP port on loopback that nobody listens on at this moment.
std::uint16_t freePort();

}  // namespace tidemill::test
