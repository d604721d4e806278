// The daemon under a service manager: what it tells systemd, and the unit that the docs show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr std::chrono::seconds kLongest{30};

// What systemd listens on.
class NotifySocket {
public:
    explicit NotifySocket(std::string path) : path_(std::move(path)) {
        fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~NotifySocket() { ::close(fd_); }
    const std::string& path() const { return path_; }

    // The next message; empty when none comes in time.
    std::string next(std::chrono::milliseconds longest = kLongest) {
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(longest.count())) != 1) return "";
        char text[4096];
        const auto size = ::recv(fd_, text, sizeof text, 0);
        return std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    // All messages up to the one that begins with `first`, which comes last.
    std::vector<std::string> until(const std::string& first) {
        std::vector<std::string> all;
        do all.push_back(next());
        while (!all.back().empty() && !all.back().starts_with(first));
        return all;
    }

private:
    std::string path_;
    int fd_ = -1;
};

class Service : public ::testing::Test {
protected:
    ProgramRig rig_;
    NotifySocket systemd_{rig_.path() / "notify"};
};

TEST_F(Service, AQuickStartAndStopAreToldPlainly) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    const auto daemon = rig_.start({{"NOTIFY_SOCKET", systemd_.path()}});
    EXPECT_EQ(systemd_.until("READY=1").back(), "READY=1");
    daemon->signal(SIGTERM);
    EXPECT_EQ(systemd_.until("STOPPING=1").back(), "STOPPING=1");
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
}

// systemd ends a start after 90 s and a stop too, unless it is asked for more time.
TEST_F(Service, ALongStartAndALongStopAskForMoreTime) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    const auto daemon = rig_.start(
        {{"NOTIFY_SOCKET", systemd_.path()},
         {"TIDEMILL_FAILPOINT", "recover.afterScan:delay=7500,shutdown.mid:delay=2500"}});
    const auto start = systemd_.until("READY=1");
    ASSERT_GE(start.size(), 3u);  // after 1 s, after 6 s, and the end
    for (const auto& message : {start[0], start[1]})
        EXPECT_THAT(message, MatchesRegex("EXTEND_TIMEOUT_USEC=[0-9]+\nSTATUS=starting"));
    EXPECT_EQ(start.back(), "READY=1");
    daemon->signal(SIGTERM);
    systemd_.until("STOPPING=1");
    EXPECT_THAT(systemd_.next(), MatchesRegex("EXTEND_TIMEOUT_USEC=[0-9]+\nSTATUS=stopping.*"));
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
}

// What is stuck is not given more time for ever.
TEST_F(Service, AStartThatGetsNowhereAsksForNoMoreTime) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    EXPECT_EQ(rig_.start({{"TIDEMILL_FAILPOINT", "batch.midRun:kill:1"}})->wait(kLongest),
              128 + SIGKILL);
    const auto daemon = rig_.start(
        {{"NOTIFY_SOCKET", systemd_.path()}, {"TIDEMILL_FAILPOINT", "batch.midRun:delay=600000"}});
    EXPECT_THAT(systemd_.next(), MatchesRegex("EXTEND_TIMEOUT_USEC=[0-9]+\nSTATUS=starting"));
    EXPECT_EQ(systemd_.next(std::chrono::milliseconds(8000)), "");
    EXPECT_EQ(daemon->kill(), 128 + SIGKILL);
}

TEST_F(Service, TheWatchdogHearsWhileBatchesComplete) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    const auto daemon =
        rig_.start({{"NOTIFY_SOCKET", systemd_.path()}, {"WATCHDOG_USEC", "400000"}});
    systemd_.until("READY=1");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(systemd_.until("WATCHDOG=1").back(), "WATCHDOG=1");
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
}

TEST_F(Service, TheWatchdogHearsNothingMoreWhenABatchIsStuck) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    const auto daemon = rig_.start({{"NOTIFY_SOCKET", systemd_.path()},
                                    {"WATCHDOG_USEC", "400000"},
                                    {"TIDEMILL_FAILPOINT", "batch.afterRecordSync:delay=600000"}});
    systemd_.until("READY=1");
    // Signs for the time that one batch may take, then none.
    const auto begun = std::chrono::steady_clock::now();
    while (systemd_.next(std::chrono::seconds(3)) == "WATCHDOG=1")
        ASSERT_LT(std::chrono::steady_clock::now() - begun, kLongest) << "signs go on";
    EXPECT_EQ(daemon->kill(), 128 + SIGKILL);
}

TEST_F(Service, AWatchdogOfAnotherProcessIsNotServed) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    const auto daemon = rig_.start(
        {{"NOTIFY_SOCKET", systemd_.path()}, {"WATCHDOG_USEC", "400000"}, {"WATCHDOG_PID", "1"}});
    systemd_.until("READY=1");
    EXPECT_EQ(systemd_.next(std::chrono::milliseconds(1500)), "");
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
}

// Every line of the daemon's has time and level, the last one too.
TEST_F(Service, TheFirstAndTheLastLineOfALogSayWhenAndWhat) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    const auto daemon = rig_.start({{"NOTIFY_SOCKET", systemd_.path()}});
    systemd_.until("READY=1");
    const std::string stamp =
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}[+-][0-9]{2}:?[0-9]{2} ";
    EXPECT_THAT(rig_.daemonErrors(),
                ::testing::ContainsRegex(
                    stamp +
                    "info tidemill [0-9]+\\.[0-9]+\\.[0-9]+, job program: a batch every 50 "
                    "ms, data directory " +
                    rig_.data().string()));
    const auto second = rig_.tidemill({"run", rig_.path() / "job.toml", "--data-dir", rig_.data()});
    EXPECT_EQ(second.code, 4);
    const std::string lastLine =
        second.err.substr(second.err.rfind('\n', second.err.size() - 2) + 1);
    EXPECT_THAT(lastLine, ::testing::ContainsRegex(stamp + "error .*in use"));
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.daemonErrors();
}

TEST_F(Service, ARelativeDataDirectoryIsSaidInFull) {
    rig_.writeJob("type = \"listen\"\nport = 0");
    int code = 0;
    outputOf(
        {"/bin/sh", "-c",
         "cd " + rig_.path().string() +
             " && timeout 2 " TIDEMILL_PROGRAM_PATH " run job.toml --data-dir data/../data 2>said"},
        code);
    EXPECT_THAT(contentOf(rig_.path() / "said"),
                HasSubstr("data directory " + rig_.data().string() + "\n"));
}

// The unit as it stands in the repository, with the program where it was built.
TEST_F(Service, TheUnitIsUnderstoodBySystemd) {
    if (!fs::exists("/usr/bin/systemd-analyze")) GTEST_SKIP() << "no systemd-analyze here";
    auto unit = contentOf(TIDEMILL_EXAMPLES_DIR "/systemd/tidemill@.service");
    for (const char* key : {"Type=notify", "Restart=on-failure",
                            "RestartSec=", "User=", "StateDirectory=", "RestartPreventExitStatus="})
        EXPECT_THAT(unit, HasSubstr(key));
    const std::string program = "/usr/bin/tidemill";
    ASSERT_NE(unit.find(program), unit.npos);
    unit.replace(unit.find(program), program.size(), TIDEMILL_PROGRAM_PATH);
    std::ofstream(rig_.path() / "tidemill@.service") << unit;
    int code = 0;
    const auto said =
        outputOf({"/bin/sh", "-c",
                  "systemd-analyze verify --man=no --recursive-errors=no '" +
                      (rig_.path() / "tidemill@wordcount.service").string() + "' 2>&1"},
                 code);
    EXPECT_EQ(code, 0) << said;
    EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace tidemill::test
