// Who is told that a time is up, and who has to go when unfinished lines hold too much. The limits
// run on a loop that the test turns by hand, over connections whose peers are texts in memory.
#include "sources/time_limits.h"

#include <gmock/gmock.h>

#include <asio/error.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/buffer_pool.h"
#include "sources/session_errors.h"
#include "sources/text_connection.h"
#include "sources/text_receiver.h"
#include "tests/support/memory_block_log.h"

namespace tidemill::sources {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using SteadyTime = std::chrono::steady_clock::time_point;

SteadyTime now() { return std::chrono::steady_clock::now(); }

// Both directions of a connection, and who waits for input.
struct Wire {
    std::string input, output;
    std::shared_ptr<Channel::User> reader;
};

class WireChannel final : public Channel {
public:
    explicit WireChannel(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}

    void waitReadable(std::shared_ptr<User> user) override { wire_->reader = std::move(user); }
    void waitWritable(std::shared_ptr<User>) override {}
    std::size_t read(std::span<char> into, asio::error_code& error) override {
        const auto count = peek(into, error);
        wire_->input.erase(0, count);
        return count;
    }
    std::size_t peek(std::span<char> into, asio::error_code& error) override {
        if (wire_->input.empty()) error = asio::error::would_block;
        return wire_->input.copy(into.data(), into.size());
    }
    std::size_t write(std::string_view bytes, asio::error_code&) override {
        wire_->output += bytes;
        return bytes.size();
    }
    void setReadableAt(int) override {}
    void sendAtOnce() override {}
    void endOutput() override {}
    void close() override { wire_->reader.reset(); }
    bool peerGone() override { return false; }

private:
    const std::shared_ptr<Wire> wire_;
};

class NoReceiver final : public TextReceiver {
public:
    using TextReceiver::TextReceiver;

private:
    core::Result<> open(std::string&) override { return {}; }
    void shut() override {}
    void ended(TextConnection&, const std::string&) override {}
};

// Notes what it is told.
class Peer final : public TextConnection {
public:
    Peer(Network& network, TextReceiver& receiver, std::shared_ptr<Wire> wire)
        : TextConnection(network, receiver, std::make_unique<WireChannel>(wire), Limits::kHold),
          wire_(std::move(wire)) {}

    void timeIsUp(TimeLimit limit) override {
        told.push_back(limit);
        toldAt.push_back(now());
        if (onTimeUp) onTimeUp();
    }

    // These bytes arrive.
    void feed(std::string_view bytes) {
        wire_->input += bytes;
        if (const auto reader = std::exchange(wire_->reader, nullptr)) reader->channelReadable({});
    }
    // What was said to it.
    const std::string& heard() const { return wire_->output; }

    std::vector<TimeLimit> told;
    std::vector<SteadyTime> toldAt;
    std::function<void()> onTimeUp;

private:
    const std::shared_ptr<Wire> wire_;
};

const std::string kOverBudget = "error " + std::string(kErrorUnfinishedBudget) + "\n";

class TimeLimitsTest : public ::testing::Test {
protected:
    void open(NetworkOptions options) {
        network_ = std::make_shared<Network>(log_, core::BufferPool::make(64 << 20), options);
        receiver_ = std::make_shared<NoReceiver>(network_, core::SourceId(1), "", nullptr);
    }
    void TearDown() override {
        for (const auto& peer : peers_) peer->close("the test ends");
    }

    std::shared_ptr<Peer> peer() {
        peers_.push_back(std::make_shared<Peer>(*network_, *receiver_, std::make_shared<Wire>()));
        return peers_.back();
    }
    // One whose input is read.
    std::shared_ptr<Peer> reading() {
        auto added = peer();
        added->start(nullptr);
        return added;
    }
    TimeLimits& limits() { return network_->limits(); }

    // Turns the loop until the condition holds, for 10 s at most; returns whether it does.
    bool turnUntil(const std::function<bool()>& condition) {
        auto& io = network_->loop().io();
        const auto end = now() + 10s;
        while (!condition() && now() < end) {
            io.restart();
            if (io.run_one_for(100ms) == 0 && io.stopped()) break;  // nothing is waited for
        }
        return condition();
    }
    // Turns the loop until nothing is waited for any more.
    bool turnToTheEnd() {
        auto& io = network_->loop().io();
        io.restart();
        io.run_for(10s);
        return io.stopped();
    }

    test::MemoryBlockLog log_;
    std::shared_ptr<Network> network_;
    std::shared_ptr<NoReceiver> receiver_;
    std::vector<std::shared_ptr<Peer>> peers_;
};

TEST_F(TimeLimitsTest, AConnectionIsToldOnceAndNotBeforeItsTime) {
    open({.firstLineMax = 20ms});
    const auto one = peer();
    const auto begun = now();
    limits().set(*one, TimeLimit::kFirstLine);
    EXPECT_TRUE(one->timedPlace.has_value());
    ASSERT_TRUE(turnToTheEnd());
    ASSERT_THAT(one->told, ElementsAre(TimeLimit::kFirstLine));
    EXPECT_GE(one->toldAt.front() - begun, 20ms);
    EXPECT_FALSE(one->timedPlace.has_value()) << "it is under no limit any more";
}

TEST_F(TimeLimitsTest, EachLimitHasItsOwnLength) {
    open({.unfinishedLineMax = 20ms, .firstLineMax = 1h});
    const auto unfinished = peer(), first = peer(), takeover = peer(), linger = peer();
    const auto begun = now();
    limits().set(*linger, TimeLimit::kLinger);
    limits().set(*takeover, TimeLimit::kTakeover);
    limits().set(*first, TimeLimit::kFirstLine);
    limits().set(*unfinished, TimeLimit::kUnfinishedLine);
    ASSERT_TRUE(turnUntil([&] { return !linger->told.empty(); }));
    ASSERT_THAT(unfinished->told, ElementsAre(TimeLimit::kUnfinishedLine));
    EXPECT_GE(unfinished->toldAt.front() - begun, 20ms);
    ASSERT_THAT(takeover->told, ElementsAre(TimeLimit::kTakeover));
    EXPECT_GE(takeover->toldAt.front() - begun, 100ms);
    ASSERT_THAT(linger->told, ElementsAre(TimeLimit::kLinger));
    EXPECT_GE(linger->toldAt.front() - begun, 500ms);
    EXPECT_LT(takeover->toldAt.front(), linger->toldAt.front());
    EXPECT_THAT(first->told, IsEmpty());
}

// One timer serves all: it must not sleep over a short limit while a long one is first.
TEST_F(TimeLimitsTest, AShortLimitIsUpInTimeBehindALongOne) {
    open({.unfinishedLineMax = 1h});
    const auto patient = peer(), hasty = peer();
    limits().set(*patient, TimeLimit::kUnfinishedLine);
    limits().set(*hasty, TimeLimit::kTakeover);
    EXPECT_TRUE(turnUntil([&] { return !hasty->told.empty(); }));
    EXPECT_THAT(patient->told, IsEmpty());
}

TEST_F(TimeLimitsTest, AConnectionWhoseLimitWasTakenBackIsNotTold) {
    open({.firstLineMax = 20ms});
    const auto spared = peer(), late = peer();
    limits().set(*spared, TimeLimit::kFirstLine);
    limits().set(*late, TimeLimit::kFirstLine);
    limits().set(*spared, std::nullopt);
    limits().set(*spared, std::nullopt);  // none is none
    ASSERT_TRUE(turnToTheEnd());
    EXPECT_THAT(late->told, ElementsAre(TimeLimit::kFirstLine));
    EXPECT_THAT(spared->told, IsEmpty());
}

TEST_F(TimeLimitsTest, AnotherLimitTakesThePlaceOfTheFormer) {
    open({.firstLineMax = 20ms});
    const auto one = peer();
    limits().set(*one, TimeLimit::kFirstLine);
    limits().set(*one, TimeLimit::kTakeover);
    ASSERT_TRUE(turnToTheEnd());
    ASSERT_THAT(one->told, ElementsAre(TimeLimit::kTakeover));
}

TEST_F(TimeLimitsTest, ALimitThatIsSetAgainBeginsAnew) {
    open({.firstLineMax = 60ms});
    const auto again = peer(), once = peer();
    std::vector<const Peer*> order;
    for (const auto& one : peers_)
        one->onTimeUp = [&order, self = one.get()] { order.push_back(self); };
    limits().set(*again, TimeLimit::kFirstLine);
    limits().set(*once, TimeLimit::kFirstLine);
    std::this_thread::sleep_for(20ms);
    const auto begun = now();
    limits().set(*again, TimeLimit::kFirstLine);
    ASSERT_TRUE(turnToTheEnd());
    ASSERT_THAT(order, ElementsAre(once.get(), again.get()));
    EXPECT_GE(again->toldAt.front() - begun, 60ms);
}

// What one is told may end others, whose time was up in the same moment.
TEST_F(TimeLimitsTest, WhoeverIsToldMaySpareTheOthers) {
    open({.firstLineMax = 20ms});
    const auto first = peer(), second = peer(), third = peer();
    for (const auto& one : peers_) limits().set(*one, TimeLimit::kFirstLine);
    first->onTimeUp = [&] { limits().set(*second, std::nullopt); };
    std::this_thread::sleep_for(30ms);  // now all are due at once
    ASSERT_TRUE(turnToTheEnd());
    EXPECT_EQ(first->told.size(), 1u);
    EXPECT_THAT(second->told, IsEmpty());
    EXPECT_EQ(third->told.size(), 1u);
}

// A connection that waits for a busy session asks again and again.
TEST_F(TimeLimitsTest, WhoeverIsToldMaySetTheSameLimitAgain) {
    open({});
    const auto one = peer();
    const auto begun = now();
    one->onTimeUp = [&] {
        if (one->told.size() < 3) limits().set(*one, TimeLimit::kTakeover);
    };
    limits().set(*one, TimeLimit::kTakeover);
    ASSERT_TRUE(turnToTheEnd());
    ASSERT_EQ(one->told.size(), 3u);
    EXPECT_GE(one->toldAt.back() - begun, 300ms);
}

TEST_F(TimeLimitsTest, AConnectionLivesUntilItHasBeenTold) {
    open({.firstLineMax = 10ms});
    const std::weak_ptr<Peer> one = peer();
    bool lived = false;
    one.lock()->onTimeUp = [&] {
        peers_.clear();
        lived = !one.expired();
    };
    limits().set(*one.lock(), TimeLimit::kFirstLine);
    ASSERT_TRUE(turnToTheEnd());
    EXPECT_TRUE(lived);
    EXPECT_TRUE(one.expired());
}

TEST_F(TimeLimitsTest, NoTimeIsUpBehindCancel) {
    open({.firstLineMax = 10ms});
    const auto one = peer();
    limits().set(*one, TimeLimit::kFirstLine);
    std::this_thread::sleep_for(20ms);
    limits().cancel();
    ASSERT_TRUE(turnToTheEnd());
    EXPECT_THAT(one->told, IsEmpty());
}

class UnfinishedBudgetTest : public TimeLimitsTest {
protected:
    static std::string bytes(std::size_t count) { return std::string(count, 'x'); }
    std::uint64_t closed() const { return receiver_->counters.connectionsClosed; }
};

TEST_F(UnfinishedBudgetTest, TheOldestUnfinishedLineGoesOnceAllAreOverTheBudget) {
    open({.unfinishedBytesMax = 100});
    const auto oldest = reading(), younger = reading(), youngest = reading();
    oldest->feed(bytes(60));
    younger->feed(bytes(40));
    EXPECT_EQ(closed(), 0u) << "the budget itself may be used";
    youngest->feed("x");
    EXPECT_EQ(oldest->heard(), kOverBudget);
    EXPECT_EQ(younger->heard(), "");
    EXPECT_EQ(youngest->heard(), "");
    EXPECT_EQ(closed(), 1u);
    EXPECT_EQ(receiver_->counters.partialLinesDropped, 1u);
    youngest->feed(bytes(59));
    EXPECT_EQ(closed(), 1u) << "the bytes of the one that went are free again";
}

TEST_F(UnfinishedBudgetTest, WhatCountsIsTheAgeOfTheLineAndNotOfTheConnection) {
    open({.unfinishedBytesMax = 100});
    const auto renewed = reading(), steady = reading(), last = reading();
    renewed->feed(bytes(40));
    steady->feed(bytes(40));
    renewed->feed("\n" + bytes(40));
    steady->feed("x");  // no new line: as old as before
    last->feed(bytes(40));
    EXPECT_EQ(steady->heard(), kOverBudget);
    EXPECT_EQ(renewed->heard(), "");
    EXPECT_EQ(last->heard(), "");
}

TEST_F(UnfinishedBudgetTest, FinishedLinesHoldNothing) {
    open({.unfinishedBytesMax = 100});
    const auto one = reading(), other = reading();
    for (int i = 0; i < 10; ++i) {
        one->feed(bytes(60));
        one->feed("\n");
        other->feed(bytes(90) + "\n");
    }
    EXPECT_EQ(closed(), 0u);
    EXPECT_EQ(one->heard() + other->heard(), "");
}

TEST_F(UnfinishedBudgetTest, AsManyGoAsAreNeeded) {
    open({.unfinishedBytesMax = 100});
    std::vector<std::shared_ptr<Peer>> small;
    for (int i = 0; i < 4; ++i) {
        small.push_back(reading());
        small.back()->feed(bytes(25));
    }
    const auto large = reading();
    large->feed(bytes(75));
    for (const std::size_t i : {0, 1, 2}) EXPECT_EQ(small[i]->heard(), kOverBudget) << i;
    EXPECT_EQ(small[3]->heard(), "");
    EXPECT_EQ(large->heard(), "");
    EXPECT_EQ(closed(), 3u);
}

TEST_F(UnfinishedBudgetTest, OneThatIsOverTheBudgetByItselfGoesWithTheOlderOnes) {
    open({.unfinishedBytesMax = 100});
    const auto small = reading(), large = reading();
    small->feed(bytes(10));
    large->feed(bytes(101));
    EXPECT_EQ(small->heard(), kOverBudget);
    EXPECT_EQ(large->heard(), kOverBudget);
}

// Closing a connection that skips the rest of an oversize line would free nothing.
TEST_F(UnfinishedBudgetTest, ALineThatIsSkippedAsOversizeIsNotWhatGoes) {
    open({.recordBytesMax = 50, .unfinishedBytesMax = 90});
    const auto skipped = reading(), kept = reading(), last = reading();
    skipped->feed(bytes(80));
    kept->feed(bytes(50));
    last->feed(bytes(50));
    EXPECT_EQ(skipped->heard(), "");
    EXPECT_EQ(kept->heard(), kOverBudget);
    EXPECT_EQ(last->heard(), "");
}

TEST_F(UnfinishedBudgetTest, AClosedConnectionGivesItsShareBack) {
    open({.unfinishedBytesMax = 100});
    const auto gone = reading(), stays = reading();
    gone->feed(bytes(60));
    gone->close("of its own");
    stays->feed(bytes(100));
    EXPECT_EQ(closed(), 0u);
    EXPECT_EQ(stays->heard(), "");
}

// Bytes that no connection under the limit holds: nobody is found, and nothing hangs.
TEST_F(UnfinishedBudgetTest, OverTheBudgetWithNobodyToTellNothingHappens) {
    open({.unfinishedBytesMax = 100});
    limits().unfinishedChanged(0, 1'000);
    EXPECT_EQ(closed(), 0u);
    limits().unfinishedChanged(1'000, 0);
    const auto one = reading();
    one->feed(bytes(100));
    EXPECT_EQ(one->heard(), "");
}

}  // namespace
}  // namespace tidemill::sources
