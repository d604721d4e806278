// Every named point of the protocol: the process dies there, dies again at each point of the
// recovery that follows, and comes to exact results; or the operation fails there, and the process
// ends with a message and comes to exact results when started again. A point that is not reached
// fails its test.
#include <gmock/gmock.h>
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
constexpr milliseconds kLongest{30'000};
constexpr std::size_t kLines = 8000;
constexpr std::uint64_t kBytesPerSecond = 80'000;

bool ofRecovery(std::string_view point) { return point.starts_with("recover."); }

// An error there ends a connection and nothing else.
bool ofConnection(std::string_view point) {
    return point.starts_with("recv.") || point.starts_with("ack.") || point.starts_with("session.");
}

// An error there leaves the savepoint unmade, and the job goes on.
bool ofSavepoint(std::string_view point) { return point.starts_with("savepoint."); }

// Those that need a broker have a test of their own (tests/outputs/kafka_output_test.cc).
std::vector<std::string_view> pointsThat(bool (*is)(std::string_view)) {
    std::vector<std::string_view> points;
    for (const auto name : core::failpointNames())
        if (!name.starts_with("kafka.") && !name.starts_with("sql.") && is(name))
            points.push_back(name);
    return points;
}

std::string testName(const ::testing::TestParamInfo<std::string_view>& point) {
    std::string name(point.param);
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

class Failpoint : public ::testing::TestWithParam<std::string_view> {
protected:
    Failpoint() : rig_(options()) {}

    static RigOptions options() {
        RigOptions options;
        if (GetParam() == "delta.afterIngest") options.deltaKibibytes = 24;
        return options;
    }

    // By a life of this scenario; others come again and again.
    static bool reachedOnce() {
        return GetParam() == "shutdown.mid" || GetParam() == "session.afterTakeover" ||
               ofSavepoint(GetParam()) || (ofRecovery(GetParam()) && GetParam() != "recover.clone");
    }
    static std::string armed(const std::string& action) {
        return std::string(GetParam()) + ":" + action + (reachedOnce() ? "" : ":2");
    }

    // Runs a daemon with the failpoints armed, under traffic of every kind, until it ends. Returns
    // how; nothing when it lives on after `longest`, and then stops it gracefully.
    std::optional<int> live(const std::string& armed, milliseconds longest = kLongest) {
        auto daemon = rig_.startDaemon({{"TIDEMILL_FAILPOINT", armed}});
        if (!rig_.awaitListening(*daemon)) return daemon->wait(kLongest);
        auto plain = rig_.connectPlain(50'000);
        auto first = rig_.startSender("a", kLines, kBytesPerSecond);
        auto second = rig_.startSender("b", kLines, kBytesPerSecond);
        std::unique_ptr<ChildProcess> rival;
        for (int i = 0; i < longest / milliseconds(100); ++i) {
            if (const auto code = daemon->wait(milliseconds(100))) return code;
            // A second sender of a name takes the session over.
            if (i == 2) rival = rig_.startSender("a", kLines, kBytesPerSecond);
            if (i == 4 && GetParam() == "shutdown.mid") daemon->signal(SIGTERM);
            if (i == 4 && ofSavepoint(GetParam())) savepoint_ = rig_.makeSavepoint("friday");
        }
        daemon->signal(SIGTERM);
        EXPECT_EQ(daemon->wait(kLongest), 0) << rig_.lastWords();
        return std::nullopt;
    }

    // A life that ends so that each step of the recovery behind it has something to do: there is a
    // checkpoint, and behind a write that was not synced something to copy and to cut; or a batch
    // that was recorded and never run, which no checkpoint can have come to.
    void leaveSomethingToRecover() {
        ASSERT_EQ(live("ckpt.midLink:kill:2"), kKilled) << rig_.lastWords();
        const std::string last = GetParam() == "recover.midReplay" ? "batch.afterRecordSync:kill:3"
                                                                   : "wal.afterAppend:kill:3";
        ASSERT_EQ(live(last), kKilled) << rig_.lastWords();
    }

    // Starts that die at each point of recovery.
    void dieInEveryRecovery() {
        for (const auto point : pointsThat(ofRecovery)) {
            auto daemon = rig_.startDaemon({{"TIDEMILL_FAILPOINT", std::string(point) + ":kill"}});
            const bool listens = rig_.awaitListening(*daemon);
            // There may be no checkpoint yet, and nothing behind it.
            if (listens && (point == "recover.clone" || point == "recover.midReplay")) continue;
            ASSERT_FALSE(listens) << point << " was not reached";
            ASSERT_EQ(daemon->wait(kLongest), kKilled) << point << "\n" << rig_.lastWords();
        }
    }

    // What is there under its name is whole.
    bool savepointIsThere() {
        const auto place = rig_.dataDirectory() / "savepoints" / "friday";
        if (!std::filesystem::exists(place)) return false;
        EXPECT_EQ(rig_.forkOf("friday"), 0) << rig_.lastWords();
        return true;
    }

    void endExactly() {
        if (HasFatalFailure()) return;
        rig_.stopDialled();
        rig_.finish();
        rig_.check();
    }

    WordCountRig rig_;
    std::unique_ptr<ChildProcess> savepoint_;
};

TEST_P(Failpoint, KilledThereAndAgainInTheRecovery) {
    if (ofRecovery(GetParam())) {
        ASSERT_NO_FATAL_FAILURE(leaveSomethingToRecover());
    }
    ASSERT_EQ(live(armed("kill")), kKilled) << "not reached\n" << rig_.lastWords();
    ASSERT_NO_FATAL_FAILURE(dieInEveryRecovery());
    if (ofSavepoint(GetParam())) {
        EXPECT_EQ(savepointIsThere(), GetParam() == "savepoint.beforeDirSync");
        // It was asked for by somebody who was told, unless the answer itself was broken off.
        const auto told = savepoint_->wait(kLongest);
        EXPECT_TRUE(told == 4 || told == (GetParam() == "savepoint.beforeDirSync" ? 0 : 1));
    }
    ASSERT_NO_FATAL_FAILURE(leaveSomethingToRecover());
    endExactly();
}

INSTANTIATE_TEST_SUITE_P(All, Failpoint,
                         ::testing::ValuesIn(pointsThat([](std::string_view) { return true; })),
                         testName);

class FailingPoint : public Failpoint {};

TEST_P(FailingPoint, AnErrorEndsTheProcessWithAMessageAndNothingIsLost) {
    for (const char* action : {"error", "nospace"}) {
        if (ofRecovery(GetParam())) {
            ASSERT_NO_FATAL_FAILURE(leaveSomethingToRecover());
        }
        const auto code = live(armed(action));
        ASSERT_TRUE(code) << "went on after an error";
        EXPECT_EQ(*code, 1) << rig_.lastWords();
        EXPECT_NE(rig_.lastWords().find("failpoint " + std::string(GetParam())), std::string::npos)
            << rig_.lastWords();
    }
    endExactly();
}

INSTANTIATE_TEST_SUITE_P(All, FailingPoint,
                         ::testing::ValuesIn(pointsThat([](std::string_view point) {
                             return !ofConnection(point) && !ofSavepoint(point);
                         })),
                         testName);

class FailingSavepoint : public Failpoint {};

TEST_P(FailingSavepoint, AnErrorLeavesNoneAndTheJobGoesOn) {
    for (const char* action : {"error", "nospace"}) {
        EXPECT_EQ(live(armed(action), milliseconds(1500)), std::nullopt) << rig_.lastWords();
        EXPECT_THAT(rig_.lastWords(),
                    ::testing::HasSubstr("could not be made, and the job goes on"));
        ASSERT_NE(savepoint_, nullptr);
        EXPECT_EQ(savepoint_->wait(kLongest), 1);
        EXPECT_FALSE(savepointIsThere());
    }
    // It can be made under the same name now.
    EXPECT_EQ(live("", milliseconds(1500)), std::nullopt) << rig_.lastWords();
    EXPECT_EQ(savepoint_->wait(kLongest), 0);
    EXPECT_TRUE(savepointIsThere());
    endExactly();
}

INSTANTIATE_TEST_SUITE_P(All, FailingSavepoint, ::testing::ValuesIn(pointsThat(ofSavepoint)),
                         testName);

class FailingConnection : public Failpoint {};

TEST_P(FailingConnection, AnErrorEndsTheConnectionOnly) {
    EXPECT_EQ(live(armed("error"), milliseconds(1500)), std::nullopt) << rig_.lastWords();
    endExactly();
}

INSTANTIATE_TEST_SUITE_P(All, FailingConnection, ::testing::ValuesIn(pointsThat(ofConnection)),
                         testName);

}  // namespace
}  // namespace tidemill::test
