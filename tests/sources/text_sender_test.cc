// A sender rests only when every line is durable exactly once, whatever is cut in between.
#include "sources/text_sender.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "sources/unfinished_line.h"
#include "tests/sources/cutting_proxy.h"
#include "tests/sources/listening_fixture.h"

namespace tidemill::sources {
namespace {

using Lines = std::vector<std::string>;
using std::chrono::milliseconds;
using test::eventually;

// An unlinked file with this content, positioned at its start.
int fileWith(const std::string& text) {
    char path[] = "/tmp/text_sender_XXXXXX";
    const int fd = ::mkstemp(path);
    ::unlink(path);
    EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::lseek(fd, 0, SEEK_SET);
    return fd;
}

std::string numbered(int lines) {
    std::string text;
    for (int i = 1; i <= lines; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
}

class TextSending : public ListeningFixture {
protected:
    void SetUp() override { open({.acknowledged = true}); }
    SendOptions options() {
        SendOptions options;
        options.port = receiver->port();
        options.session = "s";
        options.retryPeriod = milliseconds(1);
        options.giveUpAfter = milliseconds(10'000);
        return options;
    }
    void expectNumbered(int lines) {
        const auto text = log->sessionText("s");
        ASSERT_EQ(text.size(), static_cast<std::size_t>(lines));
        for (int i = 1; i <= lines; ++i)
            ASSERT_EQ(text[static_cast<std::size_t>(i - 1)], "line " + std::to_string(i));
    }
};

TEST_F(TextSending, AllLinesOfAFileBecomeDurable) {
    SendProgress last;
    auto options = this->options();
    options.onProgress = [&](const SendProgress& progress) { last = progress; };
    const int file = fileWith(numbered(100'000));
    const auto sent = TextSender(options).run(file);
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(*sent, 100'000U);
    EXPECT_EQ(last.linesDurable, 100'000U);
    EXPECT_EQ(last.linesSent, 100'000U);
    expectNumbered(100'000);
    // Again: the session has them all.
    ::lseek(file, 0, SEEK_SET);
    const auto again = TextSender(options).run(file);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, 100'000U);
    expectNumbered(100'000);
    ::close(file);
}

TEST_F(TextSending, ARateIsKept) {
    const std::string text = numbered(2'000);
    const int fd = fileWith(text);
    auto slowly = options();
    slowly.bytesPerSecondMax = 2 * text.size();
    const auto begun = std::chrono::steady_clock::now();
    const auto sent = TextSender(slowly).run(fd);
    ::close(fd);
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(*sent, 2'000u);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(450));
}

TEST_F(TextSending, AMissingLastLineEndIsAdded) {
    const int file = fileWith("line 1\nline 2");
    EXPECT_EQ(TextSender(options()).run(file), 2U);
    expectNumbered(2);
    ::close(file);
    const int empty = fileWith("");
    auto options = this->options();
    options.session = "empty";
    EXPECT_EQ(TextSender(options).run(empty), 0U);
    ::close(empty);
}

TEST_F(TextSending, AnInputShorterThanItsSessionIsRefused) {
    const int file = fileWith(numbered(10));
    ASSERT_TRUE(TextSender(options()).run(file));
    ::close(file);
    const int shorter = fileWith(numbered(9));
    const auto sent = TextSender(options()).run(shorter);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, core::ErrorKind::kInvalid);
    ::close(shorter);
}

TEST_F(TextSending, ALaterRunSendsOnlyWhatIsNew) {
    const int file = fileWith(numbered(1'000));
    ASSERT_TRUE(TextSender(options()).run(file));
    ::close(file);
    const int longer = fileWith(numbered(2'500));
    EXPECT_EQ(TextSender(options()).run(longer), 2'500U);
    expectNumbered(2'500);
    ::close(longer);
}

TEST_F(TextSending, RandomCutsLoseAndDoubleNothing) {
    for (unsigned seed = 0; seed < 6; ++seed) {
        SCOPED_TRACE(seed);
        auto options = this->options();
        options.session = "cut" + std::to_string(seed);
        options.unacknowledgedBytesMax = seed % 2 == 0 ? 16 << 10 : 1 << 20;
        const std::string text = numbered(20'000);
        int cuts = 0;
        {
            test::CuttingProxy proxy(receiver->port(), seed, seed < 3 ? 20'000 : 100'000);
            options.port = proxy.port();
            const bool pipe = seed % 3 == 0;
            int ends[2] = {-1, -1};
            std::thread feeder;
            if (pipe) {
                ASSERT_EQ(::pipe(ends), 0);
                feeder = std::thread([&] {
                    for (std::string_view rest = text; !rest.empty();) {
                        const auto count = ::write(ends[1], rest.data(),
                                                   std::min<std::size_t>(rest.size(), 3'000));
                        if (count < 0) break;
                        rest.remove_prefix(static_cast<std::size_t>(count));
                    }
                    ::close(ends[1]);
                });
            } else {
                ends[0] = fileWith(text);
            }
            const auto sent = TextSender(options).run(ends[0]);
            if (pipe) feeder.join();
            ASSERT_TRUE(sent) << sent.error().message;
            EXPECT_EQ(*sent, 20'000U);
            ::close(ends[0]);
            cuts = proxy.cuts();
        }
        EXPECT_GT(cuts, 1);
        const auto lines = log->sessionText(options.session);
        ASSERT_EQ(lines.size(), 20'000U);
        for (std::size_t i = 0; i < lines.size(); ++i)
            ASSERT_EQ(lines[i], "line " + std::to_string(i + 1));
    }
}

TEST_F(TextSending, AServerThatGoesAwayIsWaitedFor) {
    auto options = this->options();
    const std::uint16_t port = receiver->port();
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::atomic<bool> done{false};
    std::thread sender([&] {
        const auto sent = TextSender(options).run(ends[0]);
        EXPECT_TRUE(sent) << sent.error().message;
        done = true;
    });
    int line = 0;
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 200; ++i) {
            const std::string text = "line " + std::to_string(++line) + "\n";
            ASSERT_EQ(::write(ends[1], text.data(), text.size()),
                      static_cast<ssize_t>(text.size()));
        }
        test::sleepMillis(round);
        receiver->stop(round % 2 == 0);
        receiver = service->listenText(core::SourceId(3), {.port = port, .acknowledged = true});
        test::sleepMillis(5);
        ASSERT_TRUE(receiver->start());
    }
    ::close(ends[1]);
    sender.join();
    ::close(ends[0]);
    expectNumbered(line);
}

TEST_F(TextSending, ALivePipeIsNumberedFromTheSessionsEnd) {
    const int file = fileWith(numbered(3));
    ASSERT_TRUE(TextSender(options()).run(file));
    ::close(file);
    auto options = this->options();
    options.live = true;
    std::string notes;
    options.onNote = [&](const std::string& note) { notes += note + "\n"; };
    const int live = fileWith("line 4\nline 5\n");
    EXPECT_EQ(TextSender(options).run(live), 5U);
    EXPECT_NE(notes.find("behind line 3"), notes.npos) << notes;
    EXPECT_NE(notes.find("gone"), notes.npos) << notes;
    expectNumbered(5);
    ::close(live);
}

TEST_F(TextSending, TwoSendersOfOneSessionDoNotMixLines) {
    const std::string text = numbered(200'000);
    std::atomic<int> good{0}, refused{0};
    std::vector<std::thread> senders;
    for (int i = 0; i < 2; ++i) {
        senders.emplace_back([&] {
            const int file = fileWith(text);
            const auto sent = TextSender(options()).run(file);
            if (sent) {
                ++good;
            } else {
                EXPECT_EQ(sent.error().kind, core::ErrorKind::kConflict) << sent.error().message;
                ++refused;
            }
            ::close(file);
        });
    }
    for (auto& sender : senders) sender.join();
    EXPECT_GE(good, 1);
    expectNumbered(200'000);
}

TEST_F(TextSending, ALineLargerThanTheWindowPassesFromAFile) {
    auto options = this->options();
    options.unacknowledgedBytesMax = 256 << 10;
    const int file = fileWith("line 1\n" + std::string(5 << 20, 'x') + "\nline 3");
    const auto sent = TextSender(options).run(file);
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(*sent, 3U);
    EXPECT_EQ(log->oversizeCount(), 1U);
    ::close(file);
}

TEST_F(TextSending, ALineThatTheServerSkippedIsReported) {
    TearDown();
    open({.acknowledged = true}, {.recordBytesMax = 100});
    const int file = fileWith("line 1\n" + std::string(101, 'x') + "\nline 3\n");
    std::string notes;
    auto options = this->options();
    options.onNote = [&](const std::string& note) { notes += note + "\n"; };
    TextSender sender(options);
    EXPECT_EQ(sender.run(file), 3U);
    EXPECT_EQ(sender.report().skipped, (std::set<LineRange>{{2, 2}}));
    EXPECT_EQ(sender.report().skippedLines(), 1U);
    EXPECT_FALSE(sender.report().asInTheInput());
    EXPECT_NE(notes.find("line 2 is too long"), notes.npos) << notes;
    ::close(file);
}

// What a file held when it was sent: its last line without a line end, which came later, or not.
TEST_F(TextSending, ALastLineThatHasGrownSinceIsReported) {
    if (const int probe = fileWith("x");
        !UnfinishedLineNote(probe, "server", "s").write({1, 1}) || ::close(probe) != 0)
        GTEST_SKIP() << "no extended attributes in /tmp";
    const auto append = [](int file, const std::string& text) {
        ::lseek(file, 0, SEEK_END);
        EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
        ::lseek(file, 0, SEEK_SET);
    };
    const auto grownLine = [&](int file, std::uint64_t lines) {
        ::lseek(file, 0, SEEK_SET);
        TextSender sender(options());
        EXPECT_EQ(sender.run(file), lines);
        return sender.report().grownLine;
    };
    const int file = fileWith("line 1\nline 2");
    EXPECT_EQ(grownLine(file, 2), std::nullopt);
    append(file, "\nline 3");  // the line end only: nothing is wrong
    EXPECT_EQ(grownLine(file, 3), std::nullopt);
    expectNumbered(3);
    append(file, "");
    EXPECT_EQ(grownLine(file, 3), std::nullopt);
    append(file, "3\nline 4\n");
    EXPECT_EQ(grownLine(file, 4), 3U);
    EXPECT_EQ(grownLine(file, 4), 3U);  // as long as it is so
    expectNumbered(4);
    ::close(file);
}

TEST_F(TextSending, AFileThatBecomesShorterIsAnError) {
    const int file = fileWith(numbered(3'000));
    auto options = this->options();
    bool cut = false;
    options.onProgress = [&](const SendProgress& progress) {
        if (progress.linesDurable != 3'000 || std::exchange(cut, true)) return;
        EXPECT_EQ(::ftruncate(file, 10), 0);
    };
    const auto sent = TextSender(options).run(file);
    ASSERT_FALSE(sent);
    EXPECT_NE(sent.error().message.find("become shorter"), std::string::npos);
    ::close(file);
}

TEST_F(TextSending, AServerThatSaysNothingIsNotWaitedForForEver) {
    test::TestServer mute;
    auto options = this->options();
    options.port = mute.port();
    options.answerMax = milliseconds(2'300);
    std::string notes;
    options.onNote = [&](const std::string& note) { notes += note + "\n"; };
    const int file = fileWith("line 1\n");
    const auto sent = TextSender(options).run(file);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, core::ErrorKind::kIo);
    EXPECT_NE(sent.error().message.find("said nothing to \"session s\" for 2300 ms"),
              std::string::npos)
        << sent.error().message;
    EXPECT_NE(notes.find("waiting for its answer"), notes.npos) << notes;
    ::close(file);
}

TEST_F(TextSending, WhoseSessionIsTakenOverIsToldSo) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    TextSender sender(options());
    core::Result<std::uint64_t> sent = 0;
    std::atomic<bool> ended{false};
    std::thread thread([&] {
        sent = sender.run(ends[0]);
        ended = true;
    });
    ASSERT_TRUE(eventually([&] { return receiver->statistics().connections == 1; }));
    // It may be on its way to its name still; then it takes the session, and we again.
    ASSERT_TRUE(eventually([&] {
        auto other = client();
        other.send("session s\n");
        return other.line() == "resume 0" && eventually([&] { return ended.load(); });
    }));
    ::close(ends[1]);
    thread.join();
    ::close(ends[0]);
    ASSERT_FALSE(sent);
    EXPECT_TRUE(sender.report().takenOver);
    EXPECT_NE(sent.error().message.find("another sender has taken session s over"),
              std::string::npos);
}

TEST_F(TextSending, GivesUpAndStopsWhenTold) {
    auto options = this->options();
    receiver->stop(true);
    options.giveUpAfter = milliseconds(50);
    const int file = fileWith("line 1\n");
    const auto gaveUp = TextSender(options).run(file);
    ASSERT_FALSE(gaveUp);
    EXPECT_EQ(gaveUp.error().kind, core::ErrorKind::kIo);
    options.giveUpAfter.reset();
    TextSender sender(options);
    std::thread stopper([&] {
        test::sleepMillis(50);
        sender.stop();
    });
    EXPECT_FALSE(sender.run(file));
    stopper.join();
    ::close(file);
    options.session = "two words";
    const auto wrong = TextSender(options).run(file);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, core::ErrorKind::kInvalid);
}

}  // namespace
}  // namespace tidemill::sources
