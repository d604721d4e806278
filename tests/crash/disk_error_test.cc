// The disk fails under live traffic: writes and syncs give errors, whichever come next. The program
// ends with a message; on a mended disk it goes on, and nothing that was acknowledged is lost, also
// not what was acknowledged after the first error.
//
//   TIDEMILL_DISK_ERRORS=500 disk_error_test    a longer run (default 4)
//   TIDEMILL_SEED=17 disk_error_test            another beginning (default 1)
//
// Fault model: the image of a loop-mounted ext4 lies in a memory that is full, so that writes to
// blocks that were never written before fail as those of a worn-out disk do; some bytes later in
// each life, so that data, log, checkpoint or the file system's own journal meets it first. Skipped
// where no loop device can be mounted.
#include <gtest/gtest.h>

#include <csignal>
#include <iostream>
#include <random>

#include "tests/crash/acknowledged_feed.h"
#include "tests/crash/wordcount_rig.h"
#include "tests/support/campaign.h"
#include "tests/support/environment_number.h"
#include "tests/support/loop_file_system.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class DiskErrors {
public:
    DiskErrors(LoopFileSystem& disk, unsigned seed)
        : disk_(disk),
          random_(seed),
          rig_({.seed = seed, .intervalMillis = 50, .checkpointMillis = 200, .disk = disk.path()}),
          feed_("a", rig_.sessionFile("a", 20'000)) {}

    void run(long errors) {
        CampaignProgress progress("disks that failed", errors);
        for (long life = 0; life < errors && !::testing::Test::HasFailure(); ++life) {
            oneLife();
            progress.done(life + 1);
        }
        if (::testing::Test::HasFailure()) return;
        rig_.finish();
        if (!::testing::Test::HasFailure()) rig_.check();
    }
    long ended() const { return ended_; }
    std::uint64_t promised() const { return feed_.promised(); }

private:
    void oneLife() {
        auto daemon = rig_.startDaemon();
        ASSERT_TRUE(rig_.awaitListening(*daemon)) << rig_.lastWords();
        feed_.start(rig_.sessionPort());
        daemon->wait(milliseconds(50 + random_() % 350));
        ASSERT_FALSE(daemon->poll()) << "it ended by itself\n" << rig_.lastWords();
        // Most fail within a few writes, some after a while.
        const auto bytes = random_() % (random_() % 4 == 0 ? 2 << 20 : 64 << 10);
        ASSERT_TRUE(disk_.breakAfter(bytes));
        if (const auto code = daemon->wait(seconds(3))) {
            ++ended_;
            EXPECT_TRUE(code == 1 || endedByRocksDb(*code))
                << "on a failing disk: code " << *code << "\n"
                << rig_.lastWords();
            EXPECT_NE(rig_.lastWords(), "") << "it ended without a word";
        }
        // It may have found room in blocks that were written before.
        daemon->kill();
        feed_.stop();
        feed_.holdToPromise();
        ASSERT_TRUE(disk_.mend());
        ASSERT_TRUE(disk_.remount());
    }

    // As in power_cut_test: an assertion of the packaged RocksDB may come before the error does.
    bool endedByRocksDb(int code) const {
        const auto words = rig_.lastWords();
        return code == 128 + SIGABRT && words.find("rocksdb::") != words.npos;
    }

    LoopFileSystem& disk_;
    std::mt19937 random_;
    WordCountRig rig_;
    AcknowledgedFeed feed_;
    long ended_ = 0;
};

TEST(DiskError, EndsTheProcessAndLosesNothingThatWasAcknowledged) {
    std::string whyNot;
    const auto disk =
        LoopFileSystem::make(LoopFileSystem::smallestBytes(LoopFileSystem::Type::kExt4), whyNot);
    if (!disk) GTEST_SKIP() << whyNot;
    DiskErrors errors(*disk, static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1)));
    errors.run(environmentNumber("TIDEMILL_DISK_ERRORS", 4));
    if (HasFailure()) return;
    EXPECT_GT(errors.ended(), 0) << "no write failed";
    EXPECT_GT(errors.promised(), 0u) << "nothing was at stake";
    std::cout << errors.ended() << " processes ended on a failing disk, " << errors.promised()
              << " lines were acknowledged\n";
    CampaignProgress::fired("processes that ended on a failing disk", errors.ended());
    CampaignProgress::fired("lines acknowledged", static_cast<long>(errors.promised()));
}

}  // namespace
}  // namespace tidemill::test
