// SIGKILL of the real program at random moments while clients that speak as Flume's sinks do send
// events, and send them again until they are answered OK. In the end no event that was answered OK
// is lost, none is counted more often than it was sent; and with ids each is counted once.
//
//   TIDEMILL_KILLS=200 TIDEMILL_EVENTS=200000 flume_kill_test     a longer run (default 8, 20000)
//   TIDEMILL_SEED=17 flume_kill_test                              another one (default 1)
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include "tests/support/environment_number.h"
#include "tests/support/flume_client.h"
#include "tests/tools/program_rig.h"

namespace tidemill::test {
namespace {

using std::chrono::milliseconds;

// A sink, and the ledger of how often it sent each event and which were answered OK. What was not
// comes again in order, perhaps in other groups. Thread safety: externally synchronized.
class Feed {
public:
    Feed(std::string name, FlumeProtocol protocol, std::uint64_t events, unsigned seed)
        : name_(std::move(name)), protocol_(protocol), events_(events), random_(seed) {}
    ~Feed() { stop(); }

    void start(std::uint16_t port) {
        thread_ = std::thread([this, port] {
            while (!stopping_ && !done_) {
                FlumeClient client(port, protocol_);
                if (!client.connected()) sleepMillis(3);
                else life(client);
            }
        });
    }
    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }
    // Until then it goes on beyond its number of events.
    void mayEnd() { mayEnd_ = true; }
    bool isDone() const { return done_; }

    // All of them were answered OK when it is done: how often each was sent.
    const std::vector<int>& sent() const { return sent_; }
    std::string word(std::size_t event) const { return name_ + "-" + std::to_string(event); }

private:
    void life(FlumeClient& client) {
        while (!stopping_ && (acknowledged_ < events_ || !mayEnd_ || acknowledged_ < sent_.size()))
            if (!oneRequest(client)) return;
        done_ = !stopping_;
    }

    // False: the connection is of no more use.
    bool oneRequest(FlumeClient& client) {
        std::vector<SentEvent> events;
        auto count = std::size_t{1} + random_() % 20;
        if (mayEnd_ && sent_.size() > acknowledged_)
            count = std::min<std::size_t>(count, sent_.size() - acknowledged_);
        for (auto event = acknowledged_; event < acknowledged_ + count; ++event) {
            if (event == sent_.size()) sent_.push_back(0);
            ++sent_[event];
            events.push_back({word(event) + " common", {{"id", word(event)}}});
        }
        if (!client.send(events)) return false;
        if (random_() % 100 == 0) return false;  // nobody hears the answer
        const auto answer = client.answer();
        if (!answer) return false;
        if (*answer) acknowledged_ += count;
        else sleepMillis(2);
        return true;
    }

    const std::string name_;
    const FlumeProtocol protocol_;
    const std::uint64_t events_;
    std::mt19937 random_;
    std::vector<int> sent_;
    std::size_t acknowledged_ = 0;
    std::atomic<bool> stopping_{false}, mayEnd_{false}, done_{false};
    std::thread thread_;
};

class FlumeKills : public ::testing::Test {
protected:
    // Kills at random until all feeds are done; then the program has ended well.
    void run(FlumeProtocol protocol, const std::string& keys) {
        const auto kills = environmentNumber("TIDEMILL_KILLS", 8);
        const auto events =
            static_cast<std::uint64_t>(environmentNumber("TIDEMILL_EVENTS", 20'000));
        const auto seed = static_cast<unsigned>(environmentNumber("TIDEMILL_SEED", 1));
        std::mt19937 random(seed);
        rig_.writeJob("type = \"flume\"\nlisten = \"" + std::to_string(port_) +
                      "\"\nprotocol = \"" + (protocol == FlumeProtocol::kAvro ? "avro" : "thrift") +
                      "\"\n" + keys);
        constexpr unsigned kFeeds = 6;
        for (unsigned i = 0; i < kFeeds; ++i) {
            feeds_.push_back(std::make_unique<Feed>("f" + std::to_string(i), protocol,
                                                    events / kFeeds, seed * 100 + i));
            feeds_.back()->start(port_);
        }
        const auto allDone = [&] {
            return std::all_of(feeds_.begin(), feeds_.end(),
                               [](const auto& feed) { return feed->isDone(); });
        };
        for (long killed = 0; killed < kills; ++killed) {
            const auto daemon = rig_.start();
            // A fifth of the kills fall into the start.
            const auto life = random() % 5 == 0 ? random() % 60 : 100 + random() % 700;
            daemon->wait(milliseconds(life));
            ASSERT_FALSE(daemon->poll()) << rig_.daemonErrors();
            daemon->kill();
        }
        const auto daemon = rig_.start();
        for (auto& feed : feeds_) feed->mayEnd();
        const auto until =
            std::chrono::steady_clock::now() + std::chrono::seconds(60 + kills + events / 500);
        while (!allDone() && std::chrono::steady_clock::now() < until) sleepMillis(20);
        EXPECT_TRUE(allDone()) << rig_.daemonErrors();
        for (auto& feed : feeds_) feed->stop();
        daemon->signal(SIGTERM);
        ASSERT_EQ(daemon->wait(std::chrono::seconds(30)), 0) << rig_.daemonErrors();
        std::cout << "kills: " << kills << ", TIDEMILL_SEED=" << seed << "\n";
    }

    // Each event is there, and not more often than it was sent, or than `once`; returns how many are
    // beyond the first of their kind.
    std::int64_t checkTotals(bool once) {
        auto totals = rig_.totals();
        std::int64_t all = 0, more = 0, lost = 0, tooOften = 0;
        for (const auto& feed : feeds_)
            for (std::size_t event = 0; event < feed->sent().size(); ++event) {
                const auto count = totals[feed->word(event)];
                lost += count == 0 ? 1 : 0;
                tooOften += count > (once ? 1 : feed->sent()[event]) ? 1 : 0;
                more += count > 1 ? count - 1 : 0;
                all += count;
            }
        EXPECT_EQ(lost, 0) << "events that were answered OK are not in the totals";
        EXPECT_EQ(tooOften, 0) << "events were counted too often";
        EXPECT_EQ(totals["common"], all);
        std::cout << "events: " << all << ", counted again: " << more << "\n";
        return more;
    }
    // At least one had to come again.
    bool someCameAgain() const {
        for (const auto& feed : feeds_)
            for (const int times : feed->sent())
                if (times > 1) return true;
        return false;
    }

    ProgramRig rig_;
    const std::uint16_t port_ = freePort();
    std::vector<std::unique_ptr<Feed>> feeds_;
};

TEST_F(FlumeKills, NoEventThatWasAnsweredIsLost) {
    run(FlumeProtocol::kAvro, "");
    checkTotals(false);
}

TEST_F(FlumeKills, WithIdsNoneIsLostOrDoubled) {
    run(FlumeProtocol::kThrift, "dedup = \"header:id\"\n");
    EXPECT_EQ(checkTotals(true), 0);
    EXPECT_TRUE(someCameAgain()) << "no event had to be sent twice";
}

}  // namespace
}  // namespace tidemill::test
