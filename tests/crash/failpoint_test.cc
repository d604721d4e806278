// Every named point of the protocol: the process dies there, dies again inside the recovery that
// follows, and comes to exact results; or the operation fails there, and the process ends with a
// message and comes to exact results when started again. A point that is not reached fails.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <string>

#include "core/failpoint.h"
#include "tests/crash/wordcount_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;

constexpr int kKilled = 128 + SIGKILL;

std::string testName(std::string point) {
    std::replace(point.begin(), point.end(), '.', '_');
    return point;
}

class Failpoint : public ::testing::TestWithParam<std::string_view> {
protected:
    Failpoint() : rig_(options()) {}

    static RigOptions options() {
        RigOptions options;
        if (GetParam() == "delta.afterIngest") options.deltaKibibytes = 24;
        return options;
    }

    bool inRecovery() const { return GetParam().starts_with("recover."); }

    // By a life of this scenario; others come again and again.
    bool reachedOnce() const {
        return GetParam() == "shutdown.mid" || GetParam() == "session.afterTakeover";
    }

    // Runs a daemon with the failpoints armed, under traffic of every kind, until it ends. Returns
    // how; nothing when it lives on, which means that the point was not reached.
    std::optional<int> live(const std::string& armed) {
        auto daemon = rig_.startDaemon({{"TIDEMILL_FAILPOINT", armed}});
        if (!rig_.awaitListening(*daemon)) return daemon->wait(milliseconds(10'000));
        auto plain = rig_.connectPlain(50'000);
        auto first = rig_.startSender("a", 20'000, 200'000);
        auto second = rig_.startSender("b", 20'000, 200'000);
        std::unique_ptr<ChildProcess> rival;
        std::optional<int> code;
        for (int i = 0; i < 100 && !code; ++i) {
            code = daemon->wait(milliseconds(100));
            // A second sender of a name takes the session over.
            if (i == 3) rival = rig_.startSender("a", 20'000, 200'000);
            if (i == 5 && GetParam() == "shutdown.mid") daemon->signal(SIGTERM);
        }
        return code;
    }

    WordCountRig rig_;
};

TEST_P(Failpoint, KilledThereAndAgainInTheRecovery) {
    const std::string point(GetParam());
    // What recovery has to do depends on where the life before it ended: behind a write that was
    // not synced there is something to copy and to cut.
    if (inRecovery())
        ASSERT_EQ(live("wal.afterAppend:kill:30"), kKilled) << rig_.lastWords();
    else
        ASSERT_EQ(live(point + (reachedOnce() ? ":kill" : ":kill:2")), kKilled) << "not reached\n" << rig_.lastWords();
    const std::string again = inRecovery() ? point : "recover.afterScan";
    ASSERT_EQ(live(again + ":kill"), kKilled) << again << " was not reached\n" << rig_.lastWords();
    for (const char* later : {"recover.clone:kill", "recover.afterCut:kill"}) {
        const auto code = live(std::string(later) + ",wal.afterFsync:kill:3");
        ASSERT_EQ(code, kKilled) << rig_.lastWords();
    }
    rig_.finish();
    rig_.check();
}

INSTANTIATE_TEST_SUITE_P(
    All, Failpoint, ::testing::ValuesIn(core::failpointNames().begin(), core::failpointNames().end()),
    [](const auto& point) { return testName(std::string(point.param)); });

class FailingPoint : public Failpoint {};

TEST_P(FailingPoint, AnErrorEndsTheProcessWithAMessageAndNothingIsLost) {
    for (const char* action : {"error", "nospace"}) {
        const auto code = live(std::string(GetParam()) + ":" + action + ":3");
        ASSERT_TRUE(code) << "went on after an error of the log or a checkpoint";
        EXPECT_NE(*code, 0);
        EXPECT_LT(*code, 128) << "ended by a signal";
        EXPECT_NE(rig_.lastWords().find("failpoint " + std::string(GetParam())), std::string::npos)
            << rig_.lastWords();
    }
    rig_.finish();
    rig_.check();
}

INSTANTIATE_TEST_SUITE_P(LogAndCheckpoint, FailingPoint,
                         ::testing::Values("wal.beforeAppend", "wal.midAppend", "wal.afterAppend",
                                           "wal.afterFsync", "batch.beforeRecord",
                                           "batch.afterRecordSync", "sink.beforeRename",
                                           "ckpt.afterSst", "ckpt.afterIngest", "ckpt.midLink",
                                           "ckpt.beforeRename", "ckpt.beforeDirSync",
                                           "trim.beforeUnlink"),
                         [](const auto& point) { return testName(std::string(point.param)); });

}  // namespace
}  // namespace tidemill::test
