// `memory` of a job file: state and a burst that are several times as large stay within it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "tests/support/memory_group.h"
#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

constexpr std::size_t kMemoryBytes = 128 << 20;
constexpr int kKeys = 400'000;
constexpr int kRounds = 4;
constexpr int kLineBytes = 100;

std::size_t peakResidentBytes(pid_t process) {
    std::istringstream lines(contentOf("/proc/" + std::to_string(process) + "/status"));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) << 10;
    return 0;
}

void sendRound(TestClient& client) {
    std::string text;
    for (int key = 0; key < kKeys; ++key) {
        const auto begin = text.size();
        text += "key-of-some-length-" + std::to_string(key) + " 7 ";
        text.resize(begin + kLineBytes - 1, '.');
        text += '\n';
        if (text.size() < (1 << 20) && key + 1 < kKeys) continue;
        ASSERT_TRUE(client.send(text));
        text.clear();
    }
}

TEST(Memory, StateAndABurstStayWithinIt) {
    ProgramRig rig;
    const auto port = freePort();
    std::ofstream(rig.path() / "job.toml") << R"toml([job]
name = "large"
interval = "500ms"
[limits]
memory = "128MiB"
[[source]]
type = "listen"
port = )toml" << port << R"toml(
[[step]]
do = "fields"
by = "split"
fields = {key = 1, value = {at = 2, type = "int"}}
[[step]]
do = "aggregate"
name = "totals"
key = ["key"]
running = true
compute = {n = "count()", total = "sum(value)"}
)toml";
    MemoryGroup group(kMemoryBytes);
    auto daemon = rig.start();
    if (group.limits()) ASSERT_TRUE(group.add(daemon->pid()));
    std::size_t peak = 0;
    {
        std::unique_ptr<TestClient> client;
        for (int i = 0; i < 1'000 && (!client || !client->connected()); ++i) {
            client = std::make_unique<TestClient>(port);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        ASSERT_TRUE(client->connected()) << rig.daemonErrors();
        for (int round = 0; round < kRounds; ++round) sendRound(*client);
    }
    // Everything is received; most of it waits for its batch.
    nlohmann::json status;
    for (int i = 0; i < 600; ++i) {
        status = nlohmann::json::parse(rig.look({"status", "--json"}).out);
        if (status["sources"][0]["records"] == kRounds * kKeys) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ASSERT_EQ(status["sources"][0]["records"], kRounds * kKeys) << rig.daemonErrors();
    EXPECT_EQ(status["memory"]["budget_bytes"], kMemoryBytes);
    daemon->signal(SIGTERM);
    std::optional<int> code;
    for (; !code; code = daemon->wait(std::chrono::milliseconds(50)))
        peak = std::max(peak, peakResidentBytes(daemon->pid()));
    ASSERT_EQ(code, 0) << rig.daemonErrors();
    std::printf("peak %zu MiB of %zu MiB, in a control group: %s\n", peak >> 20, kMemoryBytes >> 20,
                group.limits() ? "yes" : "no");
    EXPECT_LE(peak, kMemoryBytes);
    EXPECT_EQ(group.kills(), 0u);

    std::istringstream exported(rig.look({"state", "export", "totals", "--json"}).out);
    int keys = 0;
    for (std::string line; std::getline(exported, line); ++keys) {
        const auto row = nlohmann::json::parse(line);
        ASSERT_EQ(row["n"], kRounds) << line;
        ASSERT_EQ(row["total"], 7 * kRounds) << line;
    }
    EXPECT_EQ(keys, kKeys);
}

}  // namespace
}  // namespace tidemill::test
