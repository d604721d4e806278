// The acknowledged text protocol: exact even when the sender dies.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/sources/listening_fixture.h"

namespace tidemill::sources {
namespace {

using Lines = std::vector<std::string>;
using test::eventually;

class AcknowledgedText : public ListeningFixture {
protected:
    void serve(Log::Sync sync = Log::Sync::kWriter, NetworkOptions network = {}) {
        open({.acknowledged = true}, network, 64 << 20, sync);
    }
    test::TestClient session(const std::string& name, const std::string& resume) {
        auto peer = client();
        peer.send("session " + name + "\n");
        EXPECT_EQ(peer.line(), resume);
        return peer;
    }
};

TEST_F(AcknowledgedText, WorksTypedByHand) {
    serve();
    auto peer = session("me", "resume 0");
    peer.send("one\n");
    EXPECT_EQ(peer.line(), "durable 1");
    peer.send("two\r\n");
    EXPECT_EQ(peer.line(), "durable 2");
    peer.send("three\nfour\n");
    while (const auto line = peer.line()) {
        if (line == "durable 4") break;
        EXPECT_EQ(line, "durable 3");
    }
    EXPECT_EQ(log->sessionText("me"), (Lines{"one", "two\r", "three", "four"}));
}

TEST_F(AcknowledgedText, TheFirstLineMayEndWithCarriageReturn) {
    serve();
    auto peer = client();
    peer.send("session me\r\n");
    EXPECT_EQ(peer.line(), "resume 0");
}

TEST_F(AcknowledgedText, TheFirstLineMayComeInPiecesAndWithData) {
    serve();
    auto peer = client();
    peer.send("sess");
    test::sleepMillis(10);
    peer.send("ion m");
    test::sleepMillis(10);
    peer.send("e\none\ntwo\n");
    EXPECT_EQ(peer.line(), "resume 0");
    peer.finishSending();
    std::string last;
    while (const auto line = peer.line()) last = *line;
    EXPECT_EQ(last, "durable 2");
}

TEST_F(AcknowledgedText, ADurableIsSaidOnlyWhenItIs) {
    serve(Log::Sync::kByHand);
    auto peer = session("me", "resume 0");
    peer.send("one\n");
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 1; }));
    EXPECT_TRUE(peer.silent(50));
    log->makeDurable();
    EXPECT_EQ(peer.line(), "durable 1");
    EXPECT_TRUE(peer.silent(20));
}

TEST_F(AcknowledgedText, LinesWaitWhileTheLogIsBusyAndGoWhenItIsIdle) {
    serve(Log::Sync::kByHand);
    auto peer = session("me", "resume 0");
    peer.send("one\n");
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 1; }));
    for (int i = 0; i < 10; ++i) {
        peer.send("more\n");
        test::sleepMillis(2);
    }
    EXPECT_EQ(log->lineCount(), 1U);
    log->makeDurable();
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 11; }));
    EXPECT_EQ(log->origins().size(), 2U);
    EXPECT_EQ(peer.line(), "durable 1");
    log->makeDurable();
    EXPECT_EQ(peer.line(), "durable 11");
}

TEST_F(AcknowledgedText, AHalfCloseIsAnsweredToTheEnd) {
    serve(Log::Sync::kByHand);
    auto peer = session("me", "resume 0");
    peer.send("one\ntwo\nhalf");
    peer.finishSending();
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 2; }));
    EXPECT_TRUE(peer.silent(20));
    log->makeDurable();
    EXPECT_EQ(peer.line(), "durable 2");
    EXPECT_TRUE(peer.ended());
    EXPECT_EQ(log->sessionText("me"), (Lines{"one", "two"}));
    EXPECT_EQ(receiver->statistics().partialLinesDropped, 1U);
    auto again = session("me", "resume 2");
    again.finishSending();
    EXPECT_EQ(again.line(), "durable 2");
    EXPECT_TRUE(again.ended());
}

TEST_F(AcknowledgedText, HalfALineNeverCountsHoweverTheConnectionEnds) {
    serve();
    for (int i = 0; i < 3; ++i) {
        auto peer = session("me", "resume " + std::to_string(i));
        peer.send("line\nhalf");
        EXPECT_EQ(peer.line(), "durable " + std::to_string(i + 1));
        if (i == 0) peer.close();
        if (i == 1) peer.reset();
    }
    auto peer = session("me", "resume 3");
    EXPECT_EQ(log->sessionText("me"), (Lines{"line", "line", "line"}));
}

TEST_F(AcknowledgedText, ANewConnectionTakesOverMidLine) {
    serve(Log::Sync::kByHand);
    auto older = session("me", "resume 0");
    older.send("one\n");
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 1; }));
    // Held open, as the log is busy: whole lines and a half one that the log never gets.
    older.send("two\nthr");
    ASSERT_TRUE(eventually([&] { return bytesRead() == 11; }));
    auto newer = client();
    newer.send("session me\n");
    EXPECT_EQ(older.line(), "error another connection has taken the session over");
    EXPECT_TRUE(older.ended());
    // The answer waits until what the log has is durable.
    EXPECT_TRUE(newer.silent(30));
    log->makeDurable();
    EXPECT_EQ(newer.line(), "resume 1");
    newer.send("two\n");
    ASSERT_TRUE(eventually([&] { return log->lineCount() == 2; }));
    log->makeDurable();
    EXPECT_EQ(newer.line(), "durable 2");
    EXPECT_EQ(log->sessionText("me"), (Lines{"one", "two"}));
}

TEST_F(AcknowledgedText, ATakeoverHoldsAcrossReceivers) {
    serve();
    auto second = service->listenText(core::SourceId(4), {.acknowledged = true});
    ASSERT_TRUE(second->start());
    auto older = session("me", "resume 0");
    older.send("one\n");
    EXPECT_EQ(older.line(), "durable 1");
    test::TestClient newer(second->port());
    newer.send("session me\n");
    EXPECT_EQ(newer.line(), "resume 1");
    EXPECT_EQ(older.line(), "error another connection has taken the session over");
}

TEST_F(AcknowledgedText, AStaleBlockEndsItsConnection) {
    serve();
    auto ghost = session("me", "resume 0");
    // The session moves on behind the connection's back.
    core::BlockOrigin origin;
    origin.lines = 1;
    core::setLineLane(origin, "me");
    core::Buffer buffer = core::Buffer::unpooled(4096);
    buffer.data()[0] = '\n';
    ASSERT_EQ(log->append(std::make_shared<core::Block>(std::move(buffer), 1, origin)),
              core::BlockLog::Outcome::kQueued);
    ghost.send("one\n");
    EXPECT_EQ(ghost.line(), "error the session is fed by another connection");
    EXPECT_TRUE(ghost.ended());
    EXPECT_EQ(log->sessionLines("me"), 1U);
}

TEST_F(AcknowledgedText, AnOversizeLineKeepsItsNumber) {
    serve(Log::Sync::kWriter, {.recordBytesMax = 100});
    auto peer = session("me", "resume 0");
    peer.send("one\n" + std::string(100'000, 'x') + "\nthree\n");
    std::string last;
    while (last != "durable 3") {
        const auto line = peer.line();
        ASSERT_TRUE(line);
        last = *line;
    }
    EXPECT_EQ(log->sessionText("me"), (Lines{"one", "three"}));
    EXPECT_EQ(log->oversizeCount(), 1U);
    peer.close();
    session("me", "resume 3");
}

TEST_F(AcknowledgedText, OversizeLinesAreNamedBeforeTheirAcknowledgement) {
    serve(Log::Sync::kWriter, {.recordBytesMax = 10});
    auto peer = session("me", "resume 0");
    const std::string tooLong(11, 'x');
    peer.send("1\n" + tooLong + "\n3\n" + tooLong + "\n" + tooLong + "\n6\n");
    peer.finishSending();
    std::vector<std::string> said;
    while (const auto line = peer.line()) said.push_back(*line);
    std::erase_if(said, [](const auto& line) { return line.starts_with("durable "); });
    // However the lines were cut into blocks: 4 and 5 come together or one after the other.
    ASSERT_GE(said.size(), 2U);
    EXPECT_EQ(said[0], "skipped 2");
    EXPECT_TRUE((said == Lines{"skipped 2", "skipped 4-5"}) ||
                (said == Lines{"skipped 2", "skipped 4", "skipped 5"}));
    // It waited for the end, so it has heard that.
    auto again = session("me", "resume 6");
    EXPECT_TRUE(again.silent(50));
}

TEST_F(AcknowledgedText, OversizeLinesAreNamedAgainToWhoMayNotHaveHeard) {
    serve(Log::Sync::kWriter, {.recordBytesMax = 10});
    auto peer = session("me", "resume 0");
    peer.send("1\n" + std::string(100'000, 'x') + "\n3\n");
    ASSERT_TRUE(eventually([&] { return log->durable() == log->last() && log->lineCount() == 2; }));
    peer.reset();
    auto again = session("me", "resume 3");
    EXPECT_EQ(again.line(), "skipped 2");
    again.send("4\n");
    EXPECT_EQ(again.line(), "durable 4");
}

// Two senders of one name, each started again as soon as it has ended.
TEST_F(AcknowledgedText, SendersThatTakeASessionFromEachOtherBothGetOn) {
    serve();
    std::atomic<bool> done{false};
    std::atomic<int> takenOver{0};
    const auto sendAgainAndAgain = [&] {
        while (!done) {
            auto peer = client();
            peer.send("session me\n");
            const auto answer = peer.line();
            if (!answer || !answer->starts_with("resume ")) {
                takenOver += answer && answer->starts_with("error another") ? 1 : 0;
                continue;
            }
            // As slow as a sender that must read its input first.
            for (int line = std::stoi(answer->substr(7)); line < 20 && !done; ++line) {
                test::sleepMillis(50);
                if (!peer.send("line\n")) break;
                const auto said = peer.line();
                if (!said || !said->starts_with("durable ")) break;
                if (*said == "durable 20") done = true;
            }
        }
    };
    std::thread one(sendAgainAndAgain), two(sendAgainAndAgain);
    EXPECT_TRUE(eventually([&] { return log->sessionText("me").size() == 20; }));
    done = true;
    one.join();
    two.join();
}

TEST_F(AcknowledgedText, WrongFirstLinesAreTold) {
    serve();
    for (const std::string& first :
         {std::string("hello"), std::string("session"), std::string("session "),
          std::string("session two words"), std::string("session tab\there"),
          std::string("session \xc3\xa4"), "session " + std::string(129, 'n'),
          std::string(100'000, 'x'), std::string("")}) {
        auto peer = client();
        peer.send(first + "\n");
        const auto answer = peer.line();
        ASSERT_TRUE(answer) << first;
        EXPECT_TRUE(answer->starts_with("error ")) << *answer;
        EXPECT_TRUE(peer.ended());
    }
    session("session", "resume 0");
    session(std::string(128, 'n'), "resume 0");
    EXPECT_EQ(log->last(), core::Lsn(0));
}

TEST_F(AcknowledgedText, AClientMustNameItsSessionInTime) {
    serve(Log::Sync::kWriter, {.firstLineMax = std::chrono::milliseconds(80)});
    auto named = session("me", "resume 0");
    auto silent = client();
    EXPECT_EQ(silent.line(), "error no session was named in time");
    EXPECT_TRUE(silent.ended());
    named.send("one\n");
    EXPECT_EQ(named.line(), "durable 1");
}

TEST_F(AcknowledgedText, SessionsAreLimitedInNumberButNotTheKnownOnes) {
    serve(Log::Sync::kWriter, {.sessionsMax = 2});
    auto first = session("first", "resume 0");
    first.send("x\n");
    EXPECT_EQ(first.line(), "durable 1");
    first.close();
    auto second = session("second", "resume 0");
    auto third = client();
    third.send("session third\n");
    EXPECT_EQ(third.line(), "error too many sessions: at most 2");
    session("first", "resume 1");
}

TEST_F(AcknowledgedText, AGracefulStopAnswersTheLastLines) {
    serve();
    auto peer = session("me", "resume 0");
    peer.send("one\ntwo\nhalf");
    std::string last;
    std::thread reader([&] {
        while (const auto line = peer.line()) last = *line;
        peer.close();
    });
    ASSERT_TRUE(eventually([&] { return bytesRead() == 12; }));
    receiver->stop(true);
    reader.join();
    EXPECT_EQ(last, "durable 2");
    EXPECT_EQ(log->durable(), log->last());
}

TEST_F(AcknowledgedText, AClientThatDoesNotListenCostsNoMemoryAndLosesNothing) {
    serve();
    auto peer = session("me", "resume 0");
    for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(peer.send("line\n"));
    peer.finishSending();
    std::string last;
    while (const auto line = peer.line()) last = *line;
    EXPECT_EQ(last, "durable 20000");
}

// Senders of one session that die, ghost and come again: every line exactly once.
TEST_F(AcknowledgedText, LinesAreExactAcrossRandomCutsAndGhosts) {
    serve();
    constexpr int kTotal = 3'000;
    for (unsigned seed = 0; seed < 4; ++seed) {
        std::mt19937 random(seed);
        const std::string name = "s" + std::to_string(seed);
        std::vector<test::TestClient> ghosts;
        for (int done = 0; done < kTotal;) {
            auto peer = client();
            peer.send("session " + name + "\n");
            const auto answer = peer.line();
            ASSERT_TRUE(answer);
            ASSERT_TRUE(answer->starts_with("resume ")) << *answer;
            done = std::stoi(answer->substr(7));
            std::string text;
            for (int i = done; i < kTotal; ++i) text += "line " + std::to_string(i + 1) + "\n";
            if (text.empty()) break;
            const std::size_t cut = 1 + random() % std::min<std::size_t>(text.size(), 4'000);
            peer.send(std::string_view(text).substr(0, cut));
            if (random() % 3 == 0) test::sleepMillis(static_cast<int>(random() % 3));
            if (random() % 4 == 0) service->flushOpenBlocks();
            switch (random() % 3) {
                case 0: peer.close(); break;
                case 1: peer.reset(); break;
                default: ghosts.push_back(std::move(peer));
            }
        }
        const auto lines = log->sessionText(name);
        ASSERT_EQ(lines.size(), static_cast<std::size_t>(kTotal));
        for (int i = 0; i < kTotal; ++i)
            ASSERT_EQ(lines[static_cast<std::size_t>(i)], "line " + std::to_string(i + 1));
    }
}

}  // namespace
}  // namespace tidemill::sources
