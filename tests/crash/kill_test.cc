// SIGKILL at random moments, with live traffic on plain and acknowledged connections, senders
// killed too, and recoveries killed again.
//
//   TIDEMILL_KILLS=5000 kill_test     a longer run (default 200)
//   TIDEMILL_SEED=17 kill_test        begins with that seed (default 1); a failure prints its own
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <iostream>

#include "core/failpoint.h"
#include "tests/crash/wordcount_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;

long numberFrom(const char* variable, long byDefault) {
    const char* text = std::getenv(variable);
    return text == nullptr ? byDefault : std::strtol(text, nullptr, 10);
}

// Phases that pass so quickly that a random kill would hardly ever meet them are drawn out in some
// lives: by these points, for each phase.
const std::map<std::string, std::vector<std::string>> kDrawnOut{
    {"receive", {"recv.afterRead:delay=4"}},
    {"log", {"wal.midAppend:delay=4", "wal.afterFsync:delay=4"}},
    {"batch", {"batch.midRun:delay=10"}},
    {"ingest", {"ckpt.afterSst:delay=20", "delta.afterIngest:delay=10"}},
    {"checkpoint", {"ckpt.midLink:delay=15", "ckpt.beforeRename:delay=10",
                    "generation.midRemove:delay=10"}},
    {"trim", {"trim.mid:delay=40", "trim.beforeUnlink:delay=40"}},
    {"recovery", {"recover.midReplay:delay=10", "recover.afterCopy:delay=30",
                  "recover.afterCut:delay=30"}}};

// Several lives of one data directory, each killed, and the comparison at the end.
class Torture {
public:
    Torture(unsigned seed, std::map<std::string, int>& kills)
        : random_(seed), kills_(kills), rig_({.seed = seed}) {}

    void run(int lives) {
        for (int life = 0; life < lives && !::testing::Test::HasFailure(); ++life) oneLife();
        plain_.clear();
        senders_.clear();
        if (::testing::Test::HasFailure()) return;
        const unsigned workers[] = {1, 2, 7};
        rig_.finish(workers[random_() % 3]);
        rig_.check();
        // Recovery once more changes nothing.
        const Counts before = rig_.totals();
        rig_.finish();
        EXPECT_EQ(rig_.totals(), before);
    }

private:
    void oneLife() {
        std::map<std::string, std::string> environment;
        if (random_() % 2 == 0) {
            const auto& points = kDrawnOut.at(rarestPhase());
            environment["TIDEMILL_FAILPOINT"] = points[random_() % points.size()];
        }
        const unsigned workers[] = {1, 2, 2, 7};
        auto daemon = rig_.startDaemon(environment, workers[random_() % 4]);
        // A third of the kills fall into the start.
        if (random_() % 3 == 0) {
            daemon->wait(milliseconds(random_() % 60));
        } else {
            if (rig_.awaitListening(*daemon)) feed();
            daemon->wait(milliseconds(20 + random_() % 250));
        }
        ASSERT_FALSE(daemon->poll()) << "the daemon ended by itself: code " << *daemon->poll()
                                     << "\n" << rig_.lastWords();
        daemon->kill();
        ++kills_["all"];
        for (const auto& activity : rig_.activitiesAtKill()) ++kills_[activity];
    }

    // The phase that the fewest kills have met so far.
    std::string rarestPhase() {
        std::string rarest;
        for (const auto& [phase, points] : kDrawnOut)
            if (rarest.empty() || kills_[phase] < kills_[rarest]) rarest = phase;
        return rarest;
    }

    void feed() {
        plain_.clear();
        for (unsigned i = 1 + random_() % 3; i != 0; --i)
            if (auto feed = rig_.connectPlain(20'000)) plain_.push_back(std::move(feed));
        for (const char* session : {"x", "y"}) {
            auto& sender = senders_[session];
            if (sender && random_() % 4 == 0) sender->kill();
            if (!sender || sender->poll()) sender = rig_.startSender(session, 6'000, 60'000);
        }
    }

    std::mt19937 random_;
    std::map<std::string, int>& kills_;
    WordCountRig rig_;
    std::vector<std::unique_ptr<PlainFeed>> plain_;
    std::map<std::string, std::unique_ptr<ChildProcess>> senders_;
};

TEST(Kill, NothingIsLostOrDoubledWheneverItComes) {
    const long wanted = numberFrom("TIDEMILL_KILLS", 200);
    auto seed = static_cast<unsigned>(numberFrom("TIDEMILL_SEED", 1));
    std::map<std::string, int> kills;
    for (; kills["all"] < wanted && !HasFailure(); ++seed) {
        Torture(seed, kills).run(25);
        if (HasFailure()) std::cerr << "failed: TIDEMILL_SEED=" << seed << "\n";
    }
    std::cout << "kills: " << kills["all"] << ", during";
    for (int i = 0; i < static_cast<int>(core::Activity::kCount); ++i) {
        const std::string name(core::activityName(static_cast<core::Activity>(i)));
        std::cout << " " << name << " " << kills[name];
        EXPECT_GT(kills[name], 0) << "no kill fell into " << name;
    }
    std::cout << "\n";
}

}  // namespace
}  // namespace tidemill::test
