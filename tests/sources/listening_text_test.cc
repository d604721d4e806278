// Plain text over TCP: what a connection sent is counted as a prefix of whole lines.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <random>
#include <thread>

#include "tests/sources/listening_fixture.h"

namespace tidemill::sources {
namespace {

using Lines = std::vector<std::string>;
using std::string_literals::operator""s;
using test::eventually;

class ListeningText : public ListeningFixture {};

TEST_F(ListeningText, LinesReachTheLogAtABatchTime) {
    open();
    auto peer = client();
    peer.send("one\ntwo\r\nthr");
    ASSERT_TRUE(eventually([&] { return bytesRead() == 12; }));
    EXPECT_EQ(log->lineCount(), 0U);
    service->flushOpenBlocks();
    EXPECT_EQ(log->lines(), (Lines{"one", "two\r"}));
    peer.send("ee\n");
    ASSERT_TRUE(arrives(3));
    EXPECT_EQ(log->lines(), (Lines{"one", "two\r", "three"}));
    const auto origins = log->origins();
    ASSERT_EQ(origins.size(), 2U);
    EXPECT_EQ(origins[1].firstLine, 3U);
    EXPECT_EQ(origins[1].source, core::SourceId(3));
    EXPECT_EQ(origins[0].connection, (std::uint64_t{7} << 32) | 1);
    EXPECT_EQ(origins[1].connection, origins[0].connection);
}

TEST_F(ListeningText, BytesAreOpaque) {
    open();
    const std::string odd = "\0a\0\n\xff\xfe\xc0\n\n\x1b[31m\n"s;
    client().send(odd);
    ASSERT_TRUE(arrives(4));
    EXPECT_EQ(log->lines(), (Lines{"\0a\0"s, "\xff\xfe\xc0", "", "\x1b[31m"}));
}

TEST_F(ListeningText, AnEndWithoutLineEndIsALine) {
    open();
    client().send("one\ntwo");
    ASSERT_TRUE(allClosed());
    EXPECT_EQ(log->lines(), (Lines{"one", "two"}));
    EXPECT_EQ(receiver->statistics().partialLinesDropped, 0U);
}

TEST_F(ListeningText, AHalfCloseIsAnEnd) {
    open();
    auto peer = client();
    peer.send("one\ntwo");
    peer.finishSending();
    EXPECT_TRUE(peer.ended());
    ASSERT_TRUE(allClosed());
    EXPECT_EQ(log->lines(), (Lines{"one", "two"}));
}

TEST_F(ListeningText, AResetDropsTheUnfinishedLine) {
    open();
    auto peer = client();
    peer.send("one\ntwo");
    ASSERT_TRUE(eventually([&] { return bytesRead() == 7; }));
    peer.reset();
    ASSERT_TRUE(allClosed());
    EXPECT_EQ(log->lines(), Lines{"one"});
    EXPECT_EQ(receiver->statistics().partialLinesDropped, 1U);
    EXPECT_EQ(receiver->statistics().resets, 1U);
}

TEST_F(ListeningText, OversizeLinesAreSkippedAndCounted) {
    open({}, {.recordBytesMax = 10});
    client().send("a\n0123456789\n0123456789x\nb\n" + std::string(1 << 20, 'y') + "\nc\nd");
    ASSERT_TRUE(allClosed());
    EXPECT_EQ(log->lines(), (Lines{"a", "0123456789", "b", "c", "d"}));
    EXPECT_EQ(log->oversizeCount(), 2U);
    EXPECT_EQ(receiver->statistics().oversize, 2U);
    EXPECT_EQ(receiver->statistics().records, 5U);
}

TEST_F(ListeningText, EveryConnectionKeepsItsOrder) {
    open({}, {.blockBytesMax = 16 << 10});
    std::vector<std::thread> senders;
    for (int i = 0; i < 8; ++i) {
        senders.emplace_back([this, i] {
            auto peer = client();
            std::mt19937 random(static_cast<unsigned>(i));
            std::string text;
            for (int n = 0; n < 20'000; ++n)
                text += std::to_string(i) + ":" + std::to_string(n) + "\n";
            for (std::string_view rest = text; !rest.empty();) {
                const auto count = std::min<std::size_t>(rest.size(), 1 + random() % 30'000);
                peer.send(rest.substr(0, count));
                rest.remove_prefix(count);
            }
        });
    }
    for (int i = 0; i < 50; ++i) service->flushOpenBlocks();
    for (auto& sender : senders) sender.join();
    ASSERT_TRUE(arrives(160'000));
    std::vector<int> next(8);
    for (const auto& line : log->lines()) {
        const auto sender = static_cast<std::size_t>(line[0] - '0');
        ASSERT_EQ(line, std::to_string(sender) + ":" + std::to_string(next[sender]++));
    }
}

TEST_F(ListeningText, AFullBudgetPushesBackAndLosesNothing) {
    open({}, {.recordBytesMax = 4096, .blockBytesMax = 64 << 10}, 256 << 10);
    std::string text;
    for (int n = 0; text.size() < (24 << 20); ++n) text += "line " + std::to_string(n) + "\n";
    const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    std::thread sender([&] { client().send(text); });
    ASSERT_TRUE(eventually([&] { return pool->usedBytes() > (192 << 10); }));
    test::sleepMillis(50);
    EXPECT_LE(pool->usedBytes(), std::size_t{256 << 10});
    EXPECT_LT(bytesRead(), std::uint64_t{512 << 10});
    std::uint64_t next = 0;
    std::uint64_t wrong = 0;
    EXPECT_TRUE(eventually([&] {
        service->flushOpenBlocks();
        for (const auto& line : log->takeLines()) wrong += line != "line " + std::to_string(next++);
        return next == lines;
    }));
    receiver->stop(false);
    sender.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(next, lines);
}

TEST_F(ListeningText, ManyUnfinishedLinesInAFullBudgetAllEnd) {
    open({}, {.recordBytesMax = 1 << 20, .blockBytesMax = 1 << 20}, 1 << 20);
    const std::string half(150'000, 'h');
    std::vector<test::TestClient> peers;
    std::vector<std::thread> senders;
    for (int i = 0; i < 20; ++i) peers.push_back(client());
    for (auto& peer : peers) {
        senders.emplace_back([&] {
            peer.send(half);
            peer.send(half + "\n");
        });
    }
    EXPECT_TRUE(eventually([&] {
        service->flushOpenBlocks();
        log->releaseBlocks();
        return log->lineCount() == 20;
    })) << log->lineCount();
    for (auto& sender : senders) sender.join();
}

TEST_F(ListeningText, NothingIsReadDuringAPause) {
    open();
    auto peer = client();
    service->pause();
    peer.send("one\n");
    test::sleepMillis(30);
    EXPECT_EQ(bytesRead(), 0U);
    service->resume();
    ASSERT_TRUE(arrives(1));
    receiver->pause();
    peer.send("two\n");
    test::sleepMillis(30);
    EXPECT_EQ(bytesRead(), 4U);
    receiver->resume();
    ASSERT_TRUE(arrives(2));
}

TEST_F(ListeningText, AGracefulStopAppendsWholeLinesAndNothingAfterwards) {
    open();
    auto peer = client();
    peer.send("one\ntwo\nthr");
    ASSERT_TRUE(eventually([&] { return bytesRead() == 11; }));
    receiver->stop(true);
    EXPECT_EQ(log->lines(), (Lines{"one", "two"}));
    peer.send("ee\nfour\n");
    service->flushOpenBlocks();
    EXPECT_EQ(log->lineCount(), 2U);
    EXPECT_FALSE(client().connected());
    receiver->stop(true);
}

class TricklingText : public ListeningFixture {
protected:
    static constexpr std::size_t kSmallReads = 4;

    // Sends lines one by one, each of which is read when it comes, until they are read no more.
    test::TestClient trickle() {
        open();
        auto peer = client();
        for (std::size_t sent = 1; sent <= kSmallReads; ++sent) {
            peer.send("x\n");
            EXPECT_TRUE(eventually([&] { return bytesRead() == 2 * sent; }));
        }
        peer.send("last\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_EQ(bytesRead(), 2 * kSmallReads) << "it waits for the batch time";
        return peer;
    }
};

TEST_F(TricklingText, ABatchTimeTakesEverythingThatCame) {
    auto peer = trickle();
    service->flushOpenBlocks();
    EXPECT_EQ(log->lines(), (Lines{"x", "x", "x", "x", "last"}));
}

TEST_F(TricklingText, AGracefulStopTakesEverythingThatCame) {
    auto peer = trickle();
    receiver->stop(true);
    EXPECT_EQ(log->lines(), (Lines{"x", "x", "x", "x", "last"}));
}

TEST_F(TricklingText, ItsEndIsSeenAtOnce) {
    trickle();
    ASSERT_TRUE(allClosed());
    EXPECT_EQ(log->lines(), (Lines{"x", "x", "x", "x", "last"}));
}

TEST_F(TricklingText, AfterAQuietBatchTimeItIsReadAtOnceAgain) {
    auto peer = trickle();
    service->flushOpenBlocks();
    service->flushOpenBlocks();
    const auto before = bytesRead();
    peer.send("again\n");
    EXPECT_TRUE(eventually([&] { return bytesRead() > before; }));
}

TEST_F(TricklingText, MuchIsReadAtOnce) {
    auto peer = trickle();
    peer.send(std::string(1 << 20, 'y') + "\n");
    EXPECT_TRUE(eventually([&] { return bytesRead() > 1 << 20; }));
}

TEST_F(ListeningText, AHardStopAppendsNothing) {
    open();
    auto peer = client();
    peer.send("one\ntwo\n");
    ASSERT_TRUE(eventually([&] { return bytesRead() == 8; }));
    receiver->stop(false);
    EXPECT_EQ(log->lineCount(), 0U);
    EXPECT_EQ(pool->usedBytes(), 0U);
}

TEST_F(ListeningText, ABrokenLogEndsReceiving) {
    open();
    auto peer = client();
    peer.send("one\n");
    ASSERT_TRUE(eventually([&] { return bytesRead() == 4; }));
    log->breakDown();
    EXPECT_TRUE(peer.ended());
    EXPECT_TRUE(allClosed());
    service->flushOpenBlocks();
    EXPECT_EQ(log->lineCount(), 0U);
}

TEST_F(ListeningText, AnIpv6AddressIsListenedOnWithAndWithoutBrackets) {
    for (const std::string address : {"[::1]", "::1"}) {
        log = std::make_unique<Log>(Log::Sync::kWriter);
        pool = core::BufferPool::make(1 << 20);
        service = std::move(*NetworkService::make(*log, pool));
        receiver = service->listenText(core::SourceId(3), {.address = address});
        const auto started = receiver->start();
        if (!started && started.error().message.find("Cannot assign") != std::string::npos)
            GTEST_SKIP() << "no IPv6 here";
        ASSERT_TRUE(started) << started.error().message;
        TearDown();
    }
}

TEST_F(ListeningText, WhatCannotBeListenedOnIsNamed) {
    open({.label = "source \"orders\""});
    auto second = service->listenText(core::SourceId(4),
                                      {.label = "source \"returns\"", .port = receiver->port()});
    const auto started = second->start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().message,
              "source \"returns\": cannot listen on 127.0.0.1:" + std::to_string(receiver->port()) +
                  ": Address already in use");
}

TEST_F(ListeningText, AddressesOthersReachAreRefusedUnlessAllowed) {
    open();
    auto open = service->listenText(core::SourceId(4), {.address = "0.0.0.0"});
    const auto refused = open->start();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, core::ErrorKind::kInvalid);
    auto allowed =
        service->listenText(core::SourceId(4), {.address = "0.0.0.0", .allowRemote = true});
    EXPECT_TRUE(allowed->start());
    auto wrong = service->listenText(core::SourceId(4), {.address = "nowhere"});
    EXPECT_FALSE(wrong->start());
    auto taken = service->listenText(core::SourceId(4), {.port = receiver->port()});
    const auto busy = taken->start();
    ASSERT_FALSE(busy);
    EXPECT_EQ(busy.error().kind, core::ErrorKind::kIo);
}

TEST_F(ListeningText, SealingIsQuickUnderLoad) {
    open({}, {}, 512 << 20);
    std::atomic<bool> stop{false};
    std::vector<std::thread> senders;
    for (int i = 0; i < 4; ++i) {
        senders.emplace_back([&] {
            auto peer = client();
            const std::string text(std::string(63, 'x') + "\n");
            std::string much;
            while (much.size() < (1 << 20)) much += text;
            while (!stop && peer.send(much)) {
            }
        });
    }
    auto longest = std::chrono::steady_clock::duration::zero();
    for (int i = 0; i < 20; ++i) {
        test::sleepMillis(5);
        const auto begin = std::chrono::steady_clock::now();
        service->flushOpenBlocks();
        longest = std::max(longest, std::chrono::steady_clock::now() - begin);
        log->releaseBlocks();
    }
    stop = true;
    receiver->stop(false);
    for (auto& sender : senders) sender.join();
    EXPECT_LT(longest, std::chrono::milliseconds(500));
    EXPECT_GT(log->lineCount(), 1'000U);
}

}  // namespace
}  // namespace tidemill::sources
