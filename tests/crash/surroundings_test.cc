// What happens around the program and must not end it, or must end it with a clear message: closed
// and non-blocking descriptors, signals, a removed lock, readers of files that go, few descriptors,
// file systems that lack something.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <thread>

#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr seconds kLongest{60};

std::string linesFrom(int first, int count) {
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

// A file system of its own for the data directory.
class SmallFileSystem : public Surroundings {
protected:
    void mountAt(const char* type, const char* options) {
        std::string pattern = (fs::temp_directory_path() / "tidemill-mount-XXXXXX").string();
        point_ = ::mkdtemp(pattern.data());
        if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(type, point_.c_str(), type, 0, options) != 0)
            GTEST_SKIP() << "a " << type << " cannot be mounted here";
        mounted_ = true;
        rig_ = std::make_unique<ProgramRig>(point_);
    }
    void TearDown() override {
        rig_.reset();
        if (mounted_) ::umount2(point_.c_str(), MNT_DETACH);
        std::error_code ignored;
        fs::remove(point_, ignored);
    }
    fs::path point_;
    bool mounted_ = false;
};

TEST_F(SmallFileSystem, AFullInodeTableIsAReasonToPause) {
    mountAt("tmpfs", "size=512m,nr_inodes=400,mode=0700");
    if (!mounted_) return;
    writeJob("[limits]\nsegment_bytes = \"64KiB\"\ndelta_budget = \"1MiB\"\n");
    const auto daemon = shell("exec " + runCommand());
    send(1, 1000);
    std::vector<fs::path> files;
    for (int i = 0; i < 400; ++i) {
        const auto path = point_ / ("file" + std::to_string(i));
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) break;
        ::close(fd);
        files.push_back(path);
        // A third of the reserve is left.
        if (fs::exists(path) && files.size() > 320) break;
    }
    EXPECT_TRUE(said("nearly full"));
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("disk_reserve_files"));
    EXPECT_FALSE(daemon->wait(seconds(1))) << rig().daemonErrors();
    for (const auto& file : files) fs::remove(file);
    EXPECT_TRUE(said("has room again"));
    send(1001, 1000);
    stopGracefully(*daemon);
}

TEST_F(SmallFileSystem, OnADiskOf400MebibytesADefaultJobRuns) {
    mountAt("tmpfs", "size=400m,mode=0700");
    if (!mounted_) return;
    writeJob();
    const auto daemon = shell("exec " + runCommand());
    send(1, 20'000);
    EXPECT_THAT(rig().daemonErrors(), Not(HasSubstr("nearly full")));
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("the disk has 400 MiB: "));
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("segment_bytes to 40 MiB"));
    stopGracefully(*daemon);
}

TEST_F(SmallFileSystem, TheReserveIsWhatTheJobSays) {
    mountAt("tmpfs", "size=400m,mode=0700");
    if (!mounted_) return;
    writeJob("[limits]\ndisk_reserve = \"390MiB\"\n");
    const auto daemon = shell("exec " + runCommand());
    EXPECT_TRUE(said("nearly full"));
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("390 MiB"));
    EXPECT_THAT(rig().daemonErrors(), HasSubstr("disk_reserve"));
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(kLongest), 0) << rig().daemonErrors();
}

// As on vfat, exFAT and some network file systems: link() says EPERM. For the calling thread and
// the processes it starts.
bool refuseLinks() {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
#ifdef __NR_link
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_link, 2, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_linkat, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const sock_fprog program{std::size(code), code};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           ::link("/proc/self/exe", "/proc/none") != 0 && errno == EPERM;
}

TEST_F(Surroundings, WithoutHardLinksCheckpointsAreCopied) {
    writeJob("[limits]\nsegment_bytes = \"1MiB\"\ndelta_budget = \"1MiB\"\n");
    for (int life = 0; life < 3; ++life) {
        std::unique_ptr<ChildProcess> daemon;
        bool refused = false;
        std::thread([&] {
            refused = refuseLinks();
            if (refused) daemon = shell("exec " + runCommand());
        }).join();
        if (!refused) GTEST_SKIP() << "seccomp filters are not allowed here";
        for (int round = 0; round < 4; ++round) {
            send(1 + life * 10'000 + round * 2'000, 2'000);
            std::this_thread::sleep_for(milliseconds(400));
            ASSERT_FALSE(daemon->poll()) << rig().daemonErrors();
        }
        if (life == 1) {
            daemon->kill();
            continue;
        }
        stopGracefully(*daemon);
        EXPECT_THAT(rig().daemonErrors(), HasSubstr("no hard links"));
        EXPECT_EQ(rig().look({"checkpoint", "verify"}).code, 0);
    }
}

}  // namespace
}  // namespace tidemill::test
