// What tests of the program share: a daemon of a job that counts words, and a server that feeds it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/tools/program_rig.h"
#include "tidemill/tidemill.h"

namespace tidemill::test {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

inline constexpr std::chrono::seconds kLongest{30};

// Lines of common words and words of their own.
inline std::string someLines(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i)
        text += "the tide  turns\tthe mill w" + std::to_string(i) + "\n";
    return text;
}

inline bool catchesSigterm(pid_t process) {
    const auto status = contentOf("/proc/" + std::to_string(process) + "/status");
    const auto at = status.find("SigCgt:\t");
    return at != status.npos &&
           (std::stoull(status.substr(at + 8), nullptr, 16) >> (SIGTERM - 1)) & 1;
}

// A thread that is writing stops only when its write is done.
inline void stopInItsTracks(ChildProcess& process) {
    process.signal(SIGSTOP);
    const auto allStopped = [&] {
        const auto tasks = "/proc/" + std::to_string(process.pid()) + "/task";
        for (const auto& task : fs::directory_iterator(tasks))
            if (contentOf(task.path() / "status").find("\nState:\tT") == std::string::npos)
                return false;
        return true;
    };
    const auto until = std::chrono::steady_clock::now() + kLongest;
    while (!allStopped() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

class Program : public ::testing::Test {
protected:
    // Sends `text` to the daemon and notes what it is to count.
    void feed(const std::string& text) {
        server_.send(text);
        countWords(expected_, text);
        lines_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    }
    void stopGracefully(ChildProcess& daemon) {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(kLongest), 0) << rig_.daemonErrors();
    }

    ProgramRig rig_;
    TextServer server_;
    Counts expected_;
    std::uint64_t lines_ = 0;
};

}  // namespace tidemill::test
