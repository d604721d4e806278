// A process that a test starts, kills and asks to stop.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"

namespace tidemill::tools {

// Killed when this object goes, and when this process dies. Thread safety: externally synchronized,
// and made by a thread that lives as long as it.
class Process {
public:
    // Runs `arguments` in `directory` (empty: here); what it writes goes to the end of `log`.
    // Errors: kIo, such as a program that is not there.
    static core::Result<std::unique_ptr<Process>> start(const std::vector<std::string>& arguments,
                                                        const std::filesystem::path& directory,
                                                        const std::filesystem::path& log);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // SIGKILL; returns when it is gone. False: it had ended by itself before.
    bool kill();
    // SIGTERM.
    void terminate();
    // How it has ended by itself: its exit code, or minus the signal. None: it runs.
    std::optional<int> ended();
    // The same, waiting for it; none when `longest` has passed.
    std::optional<int> wait(std::chrono::milliseconds longest);

private:
    explicit Process(pid_t pid) : pid_(pid) {}
    pid_t pid_;
    std::optional<int> ended_;
};

// "exit code 5", "signal 11".
std::string endInWords(int ended);

}  // namespace tidemill::tools
