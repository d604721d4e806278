// A disk that fills up under the program: it stops reading, keeps what it has, and goes on by
// itself when there is room again. Skipped where no loop device can be mounted.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "tests/support/loop_file_system.h"
#include "tests/support/test_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::uint64_t kDiskBytes = 192 << 20;
constexpr std::uint64_t kMebi = 1 << 20;

// Lines that no compression makes much smaller, each with a word of its own.
std::string linesOfNewWords(int count, std::size_t wordBytes) {
    std::mt19937_64 random(1);
    std::string text;
    for (int i = 0; i < count; ++i) {
        std::string word = std::to_string(i) + "-";
        while (word.size() < wordBytes) word += static_cast<char>('A' + random() % 58);
        text += word + "\n";
    }
    return text;
}

class FullDisk : public ::testing::Test {
protected:
    void SetUp() override {
        std::string whyNot;
        disk_ = LoopFileSystem::make(kDiskBytes, whyNot);
        if (!disk_) GTEST_SKIP() << whyNot;
        rig_ = std::make_unique<ProgramRig>(disk_->path());
        port_ = freePort();
    }

    // The reserve is twice this delta budget.
    void start(int deltaMebibytes) {
        rig_->writeJob("type = \"listen_acknowledged\"\nport = " + std::to_string(port_),
                       "[limits]\nmax_batch_bytes = \"256KiB\"\nblock_bytes = \"64KiB\"\n"
                       "segment_bytes = \"1MiB\"\ndelta_budget = \"" +
                           std::to_string(deltaMebibytes) + "MiB\"\n");
        daemon_ = rig_->start();
    }

    std::unique_ptr<ChildProcess> send(const std::string& text) {
        countWords(expected_, text);
        std::ofstream(rig_->path() / "lines", std::ios::app) << text;
        return std::make_unique<ChildProcess>(ChildProcess::Options{
            .arguments = {TIDEMILL_PROGRAM_PATH, "send", "--session", "s",
                          "127.0.0.1:" + std::to_string(port_), rig_->path() / "lines"},
            .environment = {},
            .errorFile = rig_->path() / "send.err"});
    }

    std::uint64_t freeBytes() const { return fs::space(disk_->path()).available; }

    // Somebody else's file takes the disk but for so much.
    void leaveFree(std::uint64_t bytes) {
        const int fd = ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        const auto taken = static_cast<off_t>(freeBytes() - bytes);
        EXPECT_EQ(::posix_fallocate(fd, 0, taken), 0);
        ::close(fd);
    }
    fs::path ballast() const { return disk_->path() / "ballast"; }

    // It stands still: says so, lives, and nothing more is acknowledged.
    void expectStandstill(ChildProcess& sender) {
        ASSERT_TRUE(eventually([&] {
            return daemon_->poll() || rig_->daemonErrors().find("nearly full") != std::string::npos;
        }));
        // What was received before is still processed, within a second.
        EXPECT_FALSE(daemon_->wait(seconds(1))) << "ended on a full disk\n" << rig_->daemonErrors();
        const auto before = loggedLines();
        EXPECT_FALSE(daemon_->wait(seconds(1))) << "ended on a full disk\n" << rig_->daemonErrors();
        EXPECT_EQ(loggedLines(), before) << "it goes on reading";
        EXPECT_FALSE(sender.poll()) << "nothing was left to send";
    }
    std::string loggedLines() const { return tailOf(rig_->path() / "send.err", 1); }

    void expectAllOfIt(ChildProcess& sender) {
        EXPECT_EQ(sender.wait(seconds(60)), 0)
            << tailOf(rig_->path() / "send.err") << rig_->daemonErrors();
        daemon_->signal(SIGTERM);
        EXPECT_EQ(daemon_->wait(seconds(60)), 0) << rig_->daemonErrors();
        EXPECT_TRUE(rig_->totals() == expected_) << "the totals differ";
    }

    std::unique_ptr<LoopFileSystem> disk_;
    std::unique_ptr<ProgramRig> rig_;
    std::uint16_t port_ = 0;
    std::unique_ptr<ChildProcess> daemon_;
    Counts expected_;
};

// Somebody else fills the disk.
TEST_F(FullDisk, StopsTheReadingUntilThereIsRoom) {
    start(8);
    const std::string text = linesOfNewWords(10'000, 60);
    auto sender = send(text);
    ASSERT_EQ(sender->wait(seconds(30)), 0) << rig_->daemonErrors();
    leaveFree(10 * kMebi);
    std::string more;
    for (int i = 0; i < 40; ++i) more += text;
    sender = send(more);
    expectStandstill(*sender);
    fs::remove(ballast());
    expectAllOfIt(*sender);
    EXPECT_THAT(rig_->daemonErrors(), HasSubstr("has room again"));
}

// The job's own state fills the disk.
TEST_F(FullDisk, LosesNothingWhenTheStateGrowsIntoTheReserve) {
    leaveFree(40 * kMebi);
    start(8);
    const auto sender = send(linesOfNewWords(400'000, 99));
    ASSERT_TRUE(eventually([&] {
        return daemon_->poll() || rig_->daemonErrors().find("nearly full") != std::string::npos;
    }));
    auto code = daemon_->wait(seconds(3));
    fs::remove(ballast());
    if (!code) code = daemon_->wait(seconds(1));
    if (code) {
        // Merging the state may need more than the reserve for a moment: the job then ends with a
        // message, and has lost nothing either.
        EXPECT_NE(*code, 0);
        EXPECT_THAT(rig_->daemonErrors(), HasSubstr("No space left on device"));
        daemon_ = rig_->start();
    }
    expectAllOfIt(*sender);
}

}  // namespace
}  // namespace tidemill::test
