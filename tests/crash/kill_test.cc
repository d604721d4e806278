// SIGKILL at random moments, with live traffic on plain and acknowledged connections, senders
// killed too, and recoveries killed again.
//
//   TIDEMILL_KILLS=5000 kill_test     a longer run (default 200)
//   TIDEMILL_MINUTES=60 kill_test     until then, at least
//   TIDEMILL_SEED=17 kill_test        begins with that seed (default 1); a failure prints its own
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <cstdlib>
#include <iostream>

#include "core/failpoint.h"
#include "tests/crash/session_feed.h"
#include "tests/crash/wordcount_rig.h"
#include "tests/support/environment_number.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;

// Phases that pass so quickly that a random kill would hardly ever meet them are drawn out in some
// lives: by these points, for each phase.
const std::map<std::string, std::vector<std::string>> kDrawnOut{
    {"receive", {"recv.afterRead:delay=4", "recv.midLine:delay=4"}},
    {"log",
     {"wal.midAppend:delay=4", "wal.afterFsync:delay=4", "wal.rotate.afterCreate:delay=20",
      "wal.rotate.beforeDirSync:delay=20"}},
    {"batch", {"batch.midRun:delay=10", "sink.beforeRename:delay=5"}},
    {"ingest", {"ckpt.afterSst:delay=20", "delta.afterIngest:delay=10"}},
    {"checkpoint",
     {"ckpt.midLink:delay=15", "ckpt.beforeRename:delay=10", "generation.midRemove:delay=10"}},
    {"trim", {"trim.mid:delay=40", "trim.beforeUnlink:delay=40"}},
    {"recovery",
     {"recover.midReplay:delay=10", "recover.afterCopy:delay=30", "recover.afterCut:delay=30",
      "recover.clone:delay=5"}}};

// Several lives of one data directory, each killed, and the comparison at the end.
class Torture {
public:
    Torture(unsigned seed, std::map<std::string, int>& kills)
        : random_(seed),
          kills_(kills),
          rig_({.seed = seed,
                .deltaKibibytes = std::array{24, 96, 512}[random_() % 3],
                .intervalMillis = bursts(seed) ? 150 : 25,
                .batchKibibytes = bursts(seed) ? 2048 : 16}),
          // Slower than it can be killed, so that it is not done before the last life.
          scripted_("z", rig_.sessionFile("z", 20'000), seed) {}

    void run(int lives) {
        for (int life = 0; life < lives && !::testing::Test::HasFailure(); ++life) oneLife();
        plain_.clear();
        senders_.clear();
        scripted_.stop();
        rig_.stopDialled();
        if (::testing::Test::HasFailure()) return;
        comparesWithAnyWorkers();
        rig_.finish();
        rig_.check();
    }

private:
    // Every third run: what comes between two batches is more than the receive budget.
    static bool bursts(unsigned seed) { return seed % 3 == 0; }

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
        ASSERT_FALSE(daemon->poll())
            << "the daemon ended by itself: code " << *daemon->poll() << "\n"
            << rig_.lastWords();
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
        if (random_() % 2 == 0) scripted_.start(rig_.sessionPort());
    }

    // What the last kill left behind gives the same totals and outputs with 1, 2 and 7 workers,
    // and when the recovery is killed and run again.
    void comparesWithAnyWorkers() {
        Counts totals;
        std::map<std::string, Counts> outputs;
        for (const unsigned workers : {1u, 2u, 7u}) {
            const auto copy = rig_.copy();
            for (int again = static_cast<int>(random_() % 3); again != 0; --again) {
                const auto daemon = copy->startDaemon({}, workers);
                EXPECT_TRUE(copy->awaitListening(*daemon)) << copy->lastWords();
                daemon->kill();
            }
            copy->finish(workers);
            if (::testing::Test::HasFailure()) return;
            copy->check(false);
            auto shown = copy->outputs();
            std::erase_if(shown, [](const auto& batch) { return batch.second.empty(); });
            if (workers == 1) {
                totals = copy->totals();
                outputs = std::move(shown);
                continue;
            }
            EXPECT_EQ(copy->totals(), totals) << "totals depend on the number of workers";
            EXPECT_EQ(shown, outputs) << "outputs depend on the number of workers";
        }
    }

    std::mt19937 random_;
    std::map<std::string, int>& kills_;
    WordCountRig rig_;
    SessionFeed scripted_;
    std::vector<std::unique_ptr<PlainFeed>> plain_;
    std::map<std::string, std::unique_ptr<ChildProcess>> senders_;
};

TEST(Kill, NothingIsLostOrDoubledWheneverItComes) {
    const long wanted = environmentNumber("TIDEMILL_KILLS", 200);
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::minutes(environmentNumber("TIDEMILL_MINUTES", 0));
    auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
    std::map<std::string, int> kills;
    for (; (kills["all"] < wanted || std::chrono::steady_clock::now() < until) && !HasFailure();
         ++seed) {
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
