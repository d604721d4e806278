// A job with a slow sink is sent half as much again as it takes, for long, and is killed once a
// minute: memory and descriptors stay flat from life to life, and what it took counts once.
//
//   TIDEMILL_SOAK_MINUTES=60 soak_test    so long (default: two lives of some seconds)
//   TIDEMILL_SEED=17 soak_test            other lines (default 1)
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/crash/acknowledged_feed.h"
#include "tests/crash/wordcount_rig.h"
#include "tests/support/campaign.h"
#include "tests/support/environment_number.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMebi = 1 << 20;
// Each batch has three files, which are renamed so slowly.
constexpr const char* kSlowSink = "sink.beforeRename:delay=30";
constexpr milliseconds kBetweenSamples{250};

// Of one life, after its warm-up.
struct Use {
    std::uint64_t leastBytes = ~std::uint64_t{0}, mostBytes = 0;
    std::size_t mostDescriptors = 0;

    void sample(pid_t process) {
        const fs::path proc = "/proc/" + std::to_string(process);
        std::uint64_t pages = 0, resident = 0;
        std::ifstream(proc / "statm") >> pages >> resident;
        const auto bytes = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        std::error_code gone;
        const auto open =
            std::distance(fs::directory_iterator(proc / "fd", gone), fs::directory_iterator());
        if (bytes == 0 || gone) return;
        leastBytes = std::min(leastBytes, bytes);
        mostBytes = std::max(mostBytes, bytes);
        mostDescriptors = std::max(mostDescriptors, static_cast<std::size_t>(open));
    }
    std::string text() const {
        return std::to_string(leastBytes / kMebi) + " to " + std::to_string(mostBytes / kMebi) +
               " MiB resident, at most " + std::to_string(mostDescriptors) + " descriptors";
    }
};

class Soak {
public:
    explicit Soak(unsigned seed)
        : rig_({.seed = seed,
                .intervalMillis = 100,
                .batchKibibytes = 8,
                .checkpointMillis = 2000}) {}

    // How much it takes when it is sent as much as it reads, which decides what it is sent later.
    void measure(milliseconds length) {
        constexpr std::size_t kLines = 200'000;
        const auto file = rig_.sessionFile("m", kLines);
        auto daemon = start();
        if (::testing::Test::HasFatalFailure()) return;
        AcknowledgedFeed feed("m", file);
        feed.start(rig_.sessionPort());
        ASSERT_FALSE(daemon->wait(length)) << rig_.lastWords();
        daemon->kill();
        feed.stop();
        feed.holdToPromise();
        const auto linesTaken = static_cast<double>(feed.promised());
        const auto bytesOfALine = static_cast<double>(fs::file_size(file)) / kLines;
        linesPerSecond_ = linesTaken * 1000.0 / static_cast<double>(length.count());
        bytesPerSecond_ = static_cast<std::uint64_t>(1.5 * linesPerSecond_ * bytesOfALine);
        ASSERT_GT(bytesPerSecond_, 0u) << "nothing was taken";
        CampaignProgress::figure("sent " + std::to_string(bytesPerSecond_) +
                                 " bytes a second, half as much again as was taken");
    }

    void live(int lives, milliseconds length) {
        CampaignProgress progress("lives", lives);
        // Each of the two sends half of it, and has some to spare.
        const auto seconds = static_cast<double>(length.count()) / 1000.0 * lives;
        const auto lines = static_cast<std::size_t>(linesPerSecond_ * seconds) + 1000;
        for (int life = 0; life < lives && !::testing::Test::HasFailure(); ++life) {
            oneLife(lines, length);
            progress.done(life + 1);
        }
        senders_.clear();
    }

    void finish() {
        rig_.stopDialled();
        auto daemon = rig_.startDaemon();
        ASSERT_TRUE(rig_.awaitListening(*daemon)) << rig_.lastWords();
        daemon->signal(SIGTERM);
        ASSERT_EQ(daemon->wait(seconds(60)), 0) << rig_.lastWords();
        rig_.check(false);
    }

    const std::vector<Use>& uses() const { return uses_; }

private:
    std::unique_ptr<ChildProcess> start() {
        auto daemon = rig_.startDaemon({{"TIDEMILL_FAILPOINT", kSlowSink}});
        EXPECT_TRUE(rig_.awaitListening(*daemon)) << rig_.lastWords();
        return daemon;
    }

    void oneLife(std::size_t lines, milliseconds length) {
        auto daemon = start();
        for (const char* session : {"x", "y"}) {
            auto& sender = senders_[session];
            if (!sender || sender->poll())
                sender = rig_.startSender(session, lines, bytesPerSecond_ / 2);
        }
        const auto warm = std::min(length / 3, milliseconds(10'000));
        Use use;
        for (milliseconds lived{0}; lived < length; lived += kBetweenSamples) {
            ASSERT_FALSE(daemon->wait(kBetweenSamples)) << "it ended\n" << rig_.lastWords();
            if (lived >= warm) use.sample(daemon->pid());
        }
        daemon->kill();
        uses_.push_back(use);
        const auto text = "life " + std::to_string(uses_.size()) + ": " + use.text();
        std::cout << text << std::endl;
        CampaignProgress::figure(text);
    }

    WordCountRig rig_;
    double linesPerSecond_ = 0;
    std::uint64_t bytesPerSecond_ = 0;
    std::map<std::string, std::unique_ptr<ChildProcess>> senders_;
    std::vector<Use> uses_;
};

TEST(Soak, MemoryAndDescriptorsStayFlatAndEveryLineCountsOnce) {
    const auto minutes = environmentNumber("TIDEMILL_SOAK_MINUTES", 0);
    // Three lives at least, of a minute at most.
    const int lives = static_cast<int>(minutes == 0 ? 2 : std::max(3L, minutes));
    const milliseconds length(minutes == 0 ? 2'500 : minutes * 60'000 / lives);
    Soak soak(static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1)));
    ASSERT_NO_FATAL_FAILURE(soak.measure(length / 2));
    soak.live(lives, length);
    if (HasFailure()) return;
    const auto& first = soak.uses().front();
    const auto& last = soak.uses().back();
    EXPECT_GT(first.mostBytes, 0u) << "nothing was measured";
    EXPECT_LE(last.mostBytes, first.mostBytes + first.mostBytes / 4 + 24 * kMebi);
    EXPECT_LE(last.mostDescriptors, first.mostDescriptors + 32);
    soak.finish();
}

}  // namespace
}  // namespace tidemill::test
