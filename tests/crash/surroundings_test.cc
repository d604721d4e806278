// What happens around the program and must not end it, or must end it with a clear message: closed
// and non-blocking descriptors, signals, a removed lock, readers of files that go, few descriptors.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/crash/surroundings_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Surroundings, WithItsStandardDescriptorsClosedNothingIsWrittenIntoItsFiles) {
    writeJob("[[output]]\nto = \"print\"\nfrom = \"counts\"\n");
    const auto daemon = shell("exec " + runCommand() + " <&- >&- 2>&-");
    send(1, 500);
    ASSERT_TRUE(eventually([&] { return fs::exists(rig().data() / "LOCK"); }));
    EXPECT_THAT(contentOf(rig().data() / "LOCK"), Not(HasSubstr("Time:")));
    stopGracefully(*daemon);
    EXPECT_EQ(contentOf(rig().data() / "LOCK"), std::to_string(daemon->pid()) + "\n");
}

TEST_F(Surroundings, ANonBlockingOutputThatIsFullIsWaitedFor) {
    writeJob("[[output]]\nto = \"print\"\nfrom = \"counts\"\nnum = 100000\n");
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_EQ(::fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    const auto fd = std::to_string(ends[1]);
    ::fcntl(ends[1], F_SETFD, 0);
    const auto daemon = shell("exec " + runCommand() + " >&" + fd);
    ::close(ends[1]);
    send(1, 50'000);
    EXPECT_FALSE(daemon->wait(seconds(1))) << rig().daemonErrors();
    // Now somebody reads.
    std::thread reader([&] {
        char piece[65536];
        while (::read(ends[0], piece, sizeof piece) > 0) {
        }
    });
    stopGracefully(*daemon);
    reader.join();
    ::close(ends[0]);
}

TEST_F(Surroundings, AFullOutputEndsItWithAMessage) {
    if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
    writeJob("[[output]]\nto = \"print\"\nfrom = \"counts\"\n");
    const auto daemon = shell("exec " + runCommand() + " >/dev/full");
    EXPECT_EQ(daemon->wait(kLongest), 1);
    EXPECT_THAT(rig().daemonErrors(),
                HasSubstr("writing to standard output failed: No space left on device"));
}

TEST_F(Surroundings, SighupIsALineInTheLogAndTheJobGoesOn) {
    writeJob();
    const auto daemon = shell("exec " + runCommand());
    send(1, 100);
    daemon->signal(SIGHUP);
    EXPECT_TRUE(said("SIGHUP"));
    EXPECT_FALSE(daemon->poll());
    send(101, 100);
    stopGracefully(*daemon);
}

TEST_F(Surroundings, ARotatedLogFileIsOpenedAgainOnSighup) {
    writeJob();
    const auto log = rig().path() / "daemon.log", old = rig().path() / "daemon.log.1";
    const auto linesIn = [](const fs::path& path) {
        std::ifstream file(path);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const auto daemon =
        shell("exec " + runCommand() + " --log-format json --log-file " + log.string());
    send(1, 100);
    fs::rename(log, old);
    daemon->signal(SIGHUP);
    for (int i = 0; i < 200 && !fs::exists(log); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    send(101, 100);
    stopGracefully(*daemon);
    EXPECT_THAT(linesIn(old), HasSubstr(", \"level\": \"info\", \"message\": \"tidemill "));
    EXPECT_THAT(linesIn(log), AllOf(HasSubstr("the log file is opened again"),
                                    HasSubstr("\"message\": \"stopped\"")));
    EXPECT_EQ(rig().daemonErrors(), "");
}

// `timeout` and some service managers signal the process and then its group.
TEST_F(Surroundings, ASignalThatComesTwiceAtOnceIsOneRequestToStop) {
    writeJob();
    const auto daemon = shell("exec " + runCommand());
    send(1, 2000);
    daemon->signal(SIGTERM);
    ::usleep(300);
    daemon->signal(SIGTERM);
    ASSERT_EQ(daemon->wait(kLongest), 0) << rig().daemonErrors();
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("stopped"));
    EXPECT_TRUE(rig().totals() == expected_);
}

// A pipe for the job file keeps it in its first milliseconds.
TEST_F(Surroundings, ASignalThatComesBeforeTheJobIsReadIsGraceful) {
    writeJob();
    const auto job = rig().path() / "job.toml";
    const auto text = contentOf(job);
    fs::remove(job);
    ASSERT_EQ(::mkfifo(job.c_str(), 0600), 0);
    const auto daemon = shell("exec " + runCommand());
    // Opens when the program does.
    std::ofstream pipe(job);
    daemon->signal(SIGTERM);
    EXPECT_FALSE(daemon->wait(milliseconds(200))) << "the signal ended it";
    pipe << text;
    pipe.close();
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig().daemonErrors();
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("stopped"));
    EXPECT_TRUE(fs::exists(rig().data() / "FORMAT"));
}

TEST_F(Surroundings, WhoeverReadsItsFilesWhileTheyAreRemovedDoesNotEndIt) {
    writeJob("[limits]\nsegment_bytes = \"16MiB\"\n");
    const auto daemon = shell("exec " + runCommand());
    const auto reader = std::make_unique<ChildProcess>(ChildProcess::Options{
        .arguments = {"/bin/sh", "-c",
                      "while :; do cat " + (rig().data() / "wal").string() + "/* " +
                          rig().data().string() + "/generations/*/* >/dev/null 2>&1; done"},
        .environment = {}});
    for (int round = 0; round < 12; ++round) {
        send(1 + round * 100'000, 100'000);
        ASSERT_FALSE(daemon->poll()) << rig().daemonErrors();
    }
    stopGracefully(*daemon);
}

TEST_F(Surroundings, WithoutItsLockFileNoSecondOneComesInAndItStopsWithAMessage) {
    writeJob();
    const auto daemon = shell("exec " + runCommand());
    send(1, 100);
    // It sees that soon; a second one is refused until it has.
    daemon->signal(SIGSTOP);
    fs::remove(rig().data() / "LOCK");
    const auto second =
        rig().tidemill({"run", rig().path() / "job.toml", "--data-dir", rig().data()});
    daemon->signal(SIGCONT);
    EXPECT_EQ(second.code, 4) << second.err;
    EXPECT_EQ(daemon->wait(kLongest), 4) << rig().daemonErrors();
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("LOCK was removed"));
    // And then it starts as ever.
    const auto again = shell("exec " + runCommand());
    send(101, 100);
    stopGracefully(*again);
}

TEST_F(Surroundings, ADirectoryThatWasReplacedIsLeftAlone) {
    writeJob();
    const auto daemon = shell("exec " + runCommand());
    send(1, 100);
    fs::rename(rig().data(), rig().path() / "elsewhere");
    fs::create_directory(rig().data());
    EXPECT_EQ(daemon->wait(kLongest), 4) << rig().daemonErrors();
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("was replaced"));
    EXPECT_TRUE(fs::is_empty(rig().data())) << "it wrote into another's directory";
}

TEST_F(Surroundings, ANewestSegmentThatWasTruncatedAfterAKillIsRefused) {
    writeJob();
    auto daemon = shell("exec " + runCommand());
    send(1, 1320);
    daemon->kill();
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(rig().data() / "wal"))
        if (entry.path().extension() == ".wal" && entry.path() > newest) newest = entry.path();
    fs::resize_file(newest, 64);
    // A checkpoint may hold them all already; then nothing is lost, and nothing is refused.
    const auto verified = rig().look({"wal", "verify"});
    daemon = shell("exec " + runCommand());
    const auto code = daemon->wait(seconds(3));
    EXPECT_EQ(verified.code == 5, code == 5) << verified.out << rig().daemonErrors();
    if (!code) return stopGracefully(*daemon);
    EXPECT_EQ(*code, 5);
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("the end of the log is missing: LSN"));
    EXPECT_THAT(verified.out, HasSubstr("the end of the log is missing: LSN"));
}

TEST_F(Surroundings, AnEmptiedLogIsUnsoundWhereAStartIsRefused) {
    writeJob();
    auto daemon = shell("exec " + runCommand());
    send(1, 100);
    stopGracefully(*daemon);
    EXPECT_EQ(rig().look({"wal", "verify"}).code, 0);
    fs::remove_all(rig().data() / "wal");
    for (const bool there : {false, true}) {
        if (there) fs::create_directory(rig().data() / "wal");
        const auto verified = rig().look({"wal", "verify"});
        EXPECT_EQ(verified.code, 5) << verified.out << verified.err;
        EXPECT_THAT(verified.out, HasSubstr("the log is missing"));
        EXPECT_EQ(rig().look({"wal", "list"}).code, 0);
        EXPECT_EQ(rig().look({"wal", "dump"}).code, 0);
        EXPECT_EQ(rig().look({"checkpoint", "verify"}).code, 0);
        EXPECT_EQ(shell("exec " + runCommand())->wait(kLongest), 5);
    }
}

// Clients take what descriptors there are; the log and the checkpoints go on.
TEST_F(Surroundings, ClientsDoNotUseUpTheDescriptors) {
    writeJob("[limits]\nsegment_bytes = \"64KiB\"\n");
    const auto daemon = shell("ulimit -n 96; exec " + runCommand());
    send(1, 100);
    std::vector<TestClient> clients;
    for (int i = 0; i < 200; ++i) clients.emplace_back(port_);
    ASSERT_TRUE(said("too many connections"));
    // Checkpoints go on all the while.
    EXPECT_FALSE(daemon->wait(seconds(2))) << rig().daemonErrors();
    clients.clear();
    send(101, 20'000);
    stopGracefully(*daemon);
}

}  // namespace
}  // namespace tidemill::test
