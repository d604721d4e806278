// A word count in the real program that takes acknowledged lines, and what it must come to.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {

inline constexpr std::chrono::seconds kLongest{60};

inline std::string linesFrom(int first, int count) {
    std::string text;
    for (int i = first; i < first + count; ++i) text += "the mill w" + std::to_string(i) + "\n";
    return text;
}

class Surroundings : public ::testing::Test {
protected:
    Surroundings() : port_(freePort()) {}

    void writeJob(const std::string& more = "") {
        rig().writeJob("type = \"listen_acknowledged\"\nport = " + std::to_string(port_), more);
    }
    ProgramRig& rig() {
        if (!rig_) rig_ = std::make_unique<ProgramRig>();
        return *rig_;
    }

    std::string runCommand() {
        return std::string(TIDEMILL_PROGRAM_PATH) + " run " + (rig().path() / "job.toml").string() +
               " --data-dir " + rig().data().string();
    }
    std::unique_ptr<ChildProcess> shell(const std::string& script) {
        return std::make_unique<ChildProcess>(
            ChildProcess::Options{.arguments = {"/bin/sh", "-c", script},
                                  .environment = {},
                                  .outputFile = rig().path() / "out",
                                  .errorFile = rig().path() / "err"});
    }
    // Sends lines until they are durable.
    void send(int first, int count) {
        const auto text = linesFrom(first, count);
        countWords(expected_, text);
        std::ofstream(rig().path() / "lines", std::ios::app) << text;
        int code = 0;
        outputOf({TIDEMILL_PROGRAM_PATH, "send", "--session", "s", std::to_string(port_),
                  rig().path() / "lines"},
                 code);
        ASSERT_EQ(code, 0) << rig().daemonErrors();
    }
    bool said(const std::string& text) {
        return eventually([&] { return rig().daemonErrors().find(text) != std::string::npos; });
    }
    void stopGracefully(ChildProcess& daemon) {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(kLongest), 0) << rig().daemonErrors();
        EXPECT_TRUE(rig().totals() == expected_) << "the totals differ";
    }

    const std::uint16_t port_;
    std::unique_ptr<ProgramRig> rig_;
    Counts expected_;
};

}  // namespace tidemill::test
