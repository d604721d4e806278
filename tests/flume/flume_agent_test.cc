// The real program and a real Flume agent (a spooling directory, a file channel, an Avro or Thrift
// sink), both killed at random moments: every line of the files is counted; with ids, once.
//
//   TIDEMILL_KILLS=100 flume_agent_test     a longer run (default 6)
//   TIDEMILL_SEED=17 flume_agent_test       another one (default 1)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include "tests/support/certificate.h"
#include "tests/support/environment_number.h"
#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kCannotBeHad = 77;
// Fetching its programs may take this long the first time.
constexpr std::chrono::minutes kPrepareLongest{10};
constexpr std::chrono::seconds kLongest{120};

class FlumeAgent : public ::testing::Test {
protected:
    void SetUp() override {
        const auto log = (rig_.path() / "prepare.log").string();
        ChildProcess prepare({.arguments = {TIDEMILL_FLUME_AGENT, "prepare"},
                              .environment = {},
                              .outputFile = log,
                              .errorFile = log});
        const auto code = prepare.wait(kPrepareLongest);
        if (code == kCannotBeHad) GTEST_SKIP() << "no Flume agent: " << tailOf(log);
        ASSERT_EQ(code, 0) << tailOf(log);
        fs::create_directories(spool());
    }

    fs::path agentData() const { return rig_.path() / "agent"; }
    fs::path spool() const { return agentData() / "spool"; }
    std::string agentLog() const { return tailOf((rig_.path() / "agent.log").string(), 30); }

    std::unique_ptr<ChildProcess> startAgent(
        const std::string& sink, const std::vector<std::string>& properties = {}) const {
        std::vector<std::string> arguments{TIDEMILL_FLUME_AGENT, "run", std::to_string(port_),
                                           agentData(), "a.sinks.k.type=" + sink};
        arguments.insert(arguments.end(), properties.begin(), properties.end());
        const auto log = (rig_.path() / "agent.log").string();
        return std::make_unique<ChildProcess>(
            ChildProcess::Options{.arguments = std::move(arguments),
                                  .environment = {},
                                  .outputFile = log,
                                  .errorFile = log});
    }
    void writeJob(const std::string& protocol, const std::string& keys = "") {
        rig_.writeJob("type = \"flume\"\nlisten = \"" + std::to_string(port_) +
                      "\"\nprotocol = \"" + protocol + "\"\n" + keys);
    }

    // A file of `lines` more lines, each with a word of its own.
    void spoolFile(int lines) {
        const auto name = "f" + std::to_string(lines_ + 1);
        {
            std::ofstream file(spool() / (name + ".tmp"));
            for (int i = 0; i < lines; ++i) file << "w" << ++lines_ << " common\n";
        }
        fs::rename(spool() / (name + ".tmp"), spool() / name);
    }
    // Until all that was spooled is in the totals.
    bool awaitAll() const {
        const auto until = Clock::now() + kLongest;
        while (Clock::now() < until) {
            // An error before the job has begun.
            const auto totals = rig_.look({"state", "export", "totals", "--json"});
            if (std::count(totals.out.begin(), totals.out.end(), '\n') == lines_ + 1) return true;
            sleepMillis(300);
        }
        return false;
    }
    void stop(ChildProcess& daemon) const {
        daemon.signal(SIGTERM);
        ASSERT_EQ(daemon.wait(std::chrono::seconds(30)), 0) << rig_.daemonErrors();
    }
    // How many were counted more than once; every one was.
    std::int64_t countedAgain() {
        auto totals = rig_.totals();
        std::int64_t all = 0;
        for (long line = 1; line <= lines_; ++line) {
            const auto count = totals["w" + std::to_string(line)];
            EXPECT_GE(count, 1) << "line " << line << " is lost";
            all += count;
        }
        EXPECT_EQ(totals["common"], all);
        return all - lines_;
    }

    // Kills of the program and of the agent by turns that chance chooses, under traffic.
    void killBoth(const std::string& sink, const std::string& keys) {
        const auto kills = environmentNumber("TIDEMILL_KILLS", 6);
        const auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
        std::mt19937 random(seed);
        writeJob(sink, keys);
        auto daemon = rig_.start();
        auto agent = startAgent(sink);
        long ofAgent = 0;
        for (long killed = 0; killed < kills; ++killed) {
            const auto until = Clock::now() + milliseconds(500 + random() % 4'000);
            while (Clock::now() < until) {
                spoolFile(1 + static_cast<int>(random() % 100));
                sleepMillis(50);
            }
            ASSERT_FALSE(daemon->poll()) << rig_.daemonErrors();
            ASSERT_FALSE(agent->poll()) << agentLog();
            // The first two are one of each.
            const bool isAgent = killed < 2 ? killed == 0 : random() % 2 == 0;
            ofAgent += isAgent ? 1 : 0;
            (isAgent ? agent : daemon)->kill();
            sleepMillis(static_cast<int>(random() % 500));
            if (isAgent) agent = startAgent(sink);
            else daemon = rig_.start();
        }
        EXPECT_TRUE(awaitAll()) << rig_.daemonErrors() << agentLog();
        agent->kill();
        stop(*daemon);
        std::cout << "kills: " << kills << ", of the agent " << ofAgent << ", lines: " << lines_
                  << ", TIDEMILL_SEED=" << seed << "\n";
    }

    ProgramRig rig_;
    const std::uint16_t port_ = freePort();
    long lines_ = 0;
};

TEST_F(FlumeAgent, WhatItSendsIsCounted) {
    for (const std::string sink : {"avro", "thrift"}) {
        writeJob(sink);
        const auto daemon = rig_.start();
        const auto agent = startAgent(sink);
        for (int file = 0; file < 20; ++file) spoolFile(100);
        EXPECT_TRUE(awaitAll()) << sink << "\n" << rig_.daemonErrors() << agentLog();
        EXPECT_EQ(countedAgain(), 0);
        agent->kill();
        stop(*daemon);
    }
}

TEST_F(FlumeAgent, SendsByTls) {
    if (!makeCertificate(rig_.path(), "mill", "IP:127.0.0.1")) GTEST_SKIP() << "needs openssl";
    const std::string pem = (rig_.path() / "mill.pem").string();
    const std::string key = (rig_.path() / "mill.key").string();
    writeJob("avro", "cert_file = \"" + pem + "\"\nkey_file = \"" + key + "\"\n");
    const auto daemon = rig_.start();
    spoolFile(100);
    auto plain = startAgent("avro");
    const auto until = Clock::now() + kLongest;
    while (Clock::now() < until &&
           rig_.daemonErrors().find("does not speak TLS") == std::string::npos)
        sleepMillis(50);
    EXPECT_THAT(rig_.daemonErrors(), testing::HasSubstr("does not speak TLS"));
    plain->kill();
    const auto agent = startAgent("avro", {"a.sinks.k.ssl=true", "a.sinks.k.trust-all-certs=true"});
    for (int file = 0; file < 10; ++file) spoolFile(100);
    EXPECT_TRUE(awaitAll()) << rig_.daemonErrors() << agentLog();
    EXPECT_EQ(countedAgain(), 0);
    agent->kill();
    stop(*daemon);
}

TEST_F(FlumeAgent, NothingIsLostWhenBothAreKilled) {
    killBoth("avro", "");
    std::cout << "counted again: " << countedAgain() << "\n";
}

TEST_F(FlumeAgent, WithIdsNothingIsLostOrDoubledWhenBothAreKilled) {
    killBoth("avro", "dedup = \"header:id\"\n");
    EXPECT_EQ(countedAgain(), 0);
}

}  // namespace
}  // namespace tidemill::test
