// Input that means harm, or looks like it, against the real program: the behaviour of each kind.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <iostream>

#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::HasSubstr;

class HostileInput : public ::testing::Test {
protected:
    // A listening job of that type, running.
    void listen(const std::string& type, const std::string& source = "",
                const std::string& limits = "") {
        port_ = freePort();
        rig_.writeJob("type = \"" + type + "\"\nport = " + std::to_string(port_) + "\n" + source,
                      limits);
        start();
    }
    void start() {
        daemon_ = rig_.start();
        ASSERT_TRUE(eventually([&] { return daemon_->poll() || TestClient(port_).connected(); }));
        ASSERT_FALSE(daemon_->poll()) << rig_.daemonErrors();
    }
    void stop() {
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(seconds(30)), 0) << rig_.daemonErrors();
    }
    // Highest resident memory so far.
    long peakKibibytes() const {
        std::ifstream status("/proc/" + std::to_string(daemon_->pid()) + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10);
        return 0;
    }
    Outcome runAgain() {
        return rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    }
    // All below the data directory but LOCK, which names whoever held it last.
    std::map<std::string, std::string> files() const {
        auto all = rig_.snapshot();
        all.erase((rig_.data() / "LOCK").string());
        return all;
    }

    ProgramRig rig_;
    std::uint16_t port_ = 0;
    std::unique_ptr<ChildProcess> daemon_;
};

TEST_F(HostileInput, ALineOfAGigabyteIsSkippedInConstantMemory) {
    listen("listen", "", "[limits]\nmax_record_bytes = \"1MiB\"\nblock_bytes = \"256KiB\"\n");
    TestClient client(port_);
    ASSERT_TRUE(client.send("before\n"));
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    const long before = peakKibibytes();
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 1024; ++i) ASSERT_TRUE(client.send(piece)) << rig_.daemonErrors();
    ASSERT_TRUE(client.send("\nafter\nlast\n"));
    ASSERT_TRUE(rig_.awaitLoggedLines(3)) << rig_.daemonErrors();
    EXPECT_LT(peakKibibytes() - before, 32 * 1024);
    EXPECT_THAT(rig_.look({"wal", "dump", "--json"}).out, HasSubstr("\"oversize\": 1"));
    stop();
    EXPECT_EQ(rig_.totals(), (Counts{{"before", 1}, {"after", 1}, {"last", 1}}));
}

TEST_F(HostileInput, AnOversizeLineKeepsItsNumberInASession) {
    listen("listen_acknowledged", "", "[limits]\nmax_record_bytes = \"1KiB\"\n");
    TestClient client(port_);
    ASSERT_TRUE(client.send("session s\n"));
    EXPECT_EQ(client.line(), "resume 0");
    ASSERT_TRUE(client.send("one\n" + std::string(5000, 'x') + "\nthree\n"));
    while (const auto line = client.line()) {
        if (*line == "durable 3") break;
    }
    stop();
    EXPECT_EQ(rig_.totals(), (Counts{{"one", 1}, {"three", 1}}));
}

TEST_F(HostileInput, BytesAreOpaque) {
    listen("listen");
    {
        TestClient client(port_);
        const std::string nul(1, '\0');
        ASSERT_TRUE(client.send("a" + nul + "b a" + nul + "b " + nul + " \xff\xfe \xc3\n"));
        ASSERT_TRUE(rig_.awaitLoggedLines(1));
    }
    stop();
    const std::string nul(1, '\0');
    EXPECT_EQ(rig_.totals(),
              (Counts{{"a" + nul + "b", 2}, {nul, 1}, {"\xff\xfe", 1}, {"\xc3", 1}}));
    EXPECT_THAT(rig_.look({"state", "export", "totals", "--json"}).out,
                HasSubstr("{\"key_base64\": \"//4=\", \"value\": 1}\n"));
}

TEST_F(HostileInput, AResetDropsTheUnfinishedLineAndNothingElse) {
    listen("listen");
    TestClient other(port_);
    TestClient client(port_);
    ASSERT_TRUE(client.send("whole\nhal"));
    ASSERT_TRUE(rig_.awaitLoggedLines(1));
    client.reset();
    ASSERT_TRUE(other.send("other\n"));
    ASSERT_TRUE(rig_.awaitLoggedLines(2));
    stop();
    EXPECT_EQ(rig_.totals(), (Counts{{"whole", 1}, {"other", 1}}));
}

TEST_F(HostileInput, TenThousandConnectionsAtOnce) {
    constexpr int kConnections = 10'000;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit before = limit;
    limit.rlim_cur = limit.rlim_max = std::max<rlim_t>(limit.rlim_max, kConnections + 1000);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        GTEST_SKIP() << "no more than " << before.rlim_max << " files may be open here";
    listen("listen", "max_connections = 10000\n");
    {
        // The port's own test connection may still be counted.
        std::vector<TestClient> clients;
        for (int i = 0; i < kConnections - 1; ++i) {
            clients.emplace_back(port_);
            ASSERT_TRUE(clients.back().connected()) << i << rig_.daemonErrors();
        }
        for (auto& client : clients) ASSERT_TRUE(client.send("together mine\n"));
        ASSERT_TRUE(rig_.awaitLoggedLines(kConnections - 1)) << rig_.daemonErrors();
        EXPECT_LT(peakKibibytes(), 512 * 1024);
        std::cout << "peak memory with " << kConnections
                  << " connections: " << peakKibibytes() / 1024 << " MiB\n";
    }
    stop();
    EXPECT_EQ(rig_.totals(), (Counts{{"together", kConnections - 1}, {"mine", kConnections - 1}}));
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(HostileInput, OneConnectionTooManyIsToldSo) {
    listen("listen", "max_connections = 3\n");
    // Until the connection that looked for the port is gone.
    std::vector<TestClient> clients;
    ASSERT_TRUE(eventually([&] {
        clients.clear();
        for (int i = 0; i < 3; ++i) clients.emplace_back(port_);
        return clients[0].silent(20) && clients[1].silent(20) && clients[2].silent(20);
    }));
    TestClient fourth(port_);
    EXPECT_TRUE(fourth.ended());
    for (auto& client : clients) EXPECT_TRUE(client.send("counts\n"));
    ASSERT_TRUE(rig_.awaitLoggedLines(3));
    stop();
    EXPECT_EQ(rig_.totals(), (Counts{{"counts", 3}}));
}

TEST_F(HostileInput, TheLaterOfTwoSendersWithOneSessionTakesOver) {
    listen("listen_acknowledged");
    Counts expected;
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "line" + std::to_string(i) + " common\n";
    countWords(expected, text);
    std::ofstream(rig_.path() / "lines") << text;
    const auto sender = [&](const std::string& name, const std::string& rate) {
        return std::make_unique<ChildProcess>(ChildProcess::Options{
            .arguments = {TIDEMILL_PROGRAM_PATH, "send", "--session", "s", "--rate", rate,
                          "127.0.0.1:" + std::to_string(port_), rig_.path() / "lines"},
            .environment = {},
            .errorFile = rig_.path() / name});
    };
    // The first would take a minute.
    auto first = sender("first.err", "5000");
    ASSERT_TRUE(rig_.awaitLoggedLines(10));
    auto second = sender("second.err", "10000000");
    EXPECT_EQ(second->wait(seconds(20)), 0) << contentOf(rig_.path() / "second.err");
    first->wait(seconds(5));
    first->kill();
    EXPECT_THAT(contentOf(rig_.path() / "first.err"), HasSubstr("has taken session s over"));
    stop();
    EXPECT_EQ(rig_.totals(), expected);
}

TEST_F(HostileInput, ADirectoryOfANewerFormatIsRefusedAndLeftAlone) {
    listen("listen");
    stop();
    const auto format = rig_.data() / "FORMAT";
    std::string text = contentOf(format);
    for (const std::string number : {"\nversion ", "\nreader-min "}) {
        ASSERT_NE(text.find(number), text.npos) << text;
        text.replace(text.find(number) + number.size(), 1, "9");
    }
    std::ofstream(format) << text;
    const auto before = files();
    const auto refused = runAgain();
    EXPECT_EQ(refused.code, 4) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("9"));
    EXPECT_EQ(files(), before);
    EXPECT_EQ(contentOf(format), text);
    EXPECT_EQ(rig_.look({"state", "list"}).code, 4);
}

// Acknowledged lines that no checkpoint holds yet, and one byte of the first of them flipped.
TEST_F(HostileInput, DamageBelowWhatIsAcknowledgedIsRefusedWithItsRange) {
    listen("listen_acknowledged");
    // No checkpoint: the log is needed from its beginning.
    auto job = contentOf(rig_.path() / "job.toml");
    job.replace(job.find("300ms"), 5, "1h");
    daemon_->kill();
    fs::remove_all(rig_.data());
    std::ofstream(rig_.path() / "job.toml") << job;
    start();
    TestClient client(port_);
    ASSERT_TRUE(client.send("session s\n"));
    EXPECT_EQ(client.line(), "resume 0");
    for (int i = 1; i <= 5; ++i) {
        ASSERT_TRUE(client.send("flipped" + std::to_string(i) + "\n"));
        EXPECT_EQ(client.line(), "durable " + std::to_string(i));
    }
    daemon_->kill();
    fs::path damaged;
    std::streamoff offset = 0;
    for (const auto& entry : fs::directory_iterator(rig_.data() / "wal")) {
        auto bytes = contentOf(entry.path());
        const auto at = bytes.find("flipped1");
        if (at == bytes.npos) continue;
        damaged = entry.path();
        offset = static_cast<std::streamoff>(at);
    }
    ASSERT_FALSE(damaged.empty());
    const auto put = [&](char byte) {
        std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(offset).put(byte);
    };
    put('F');
    const auto before = files();
    const auto refused = runAgain();
    EXPECT_EQ(refused.code, 5) << refused.err;
    EXPECT_THAT(refused.err,
                HasSubstr("acknowledged data is damaged or missing in the log: LSN 1;"));
    EXPECT_THAT(refused.err, HasSubstr(damaged.filename().string() + " offset="));
    EXPECT_EQ(files(), before);
    EXPECT_EQ(rig_.look({"wal", "verify"}).code, 5);
    // Mended, it goes on as if nothing had been.
    put('f');
    start();
    stop();
    EXPECT_EQ(
        rig_.totals(),
        (Counts{
            {"flipped1", 1}, {"flipped2", 1}, {"flipped3", 1}, {"flipped4", 1}, {"flipped5", 1}}));
}

}  // namespace
}  // namespace tidemill::test
