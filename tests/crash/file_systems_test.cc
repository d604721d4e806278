// File systems that lack something: room, inodes, hard links.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <thread>

#include "tests/crash/surroundings_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

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
