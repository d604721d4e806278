// Whatever a server says is understood or told apart as unknown.
#include "sources/session_answer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "sources/session_errors.h"
#include "sources/sessions.h"

namespace tidemill::sources {
namespace {

using Kind = SessionAnswer::Kind;

TEST(SessionAnswer, TheThreeWordsAreUnderstood) {
    EXPECT_EQ(parseSessionAnswer("resume 0").kind, Kind::kResume);
    EXPECT_EQ(parseSessionAnswer("resume 12").lines, 12U);
    EXPECT_EQ(parseSessionAnswer("durable 18446744073709551615").lines, ~std::uint64_t{0});
    const auto error = parseSessionAnswer("error too many connections");
    EXPECT_EQ(error.kind, Kind::kError);
    EXPECT_EQ(error.text, "too many connections");
    EXPECT_TRUE(isPassing(error.text));
    EXPECT_FALSE(isPassing(kErrorTakenOver));
}

TEST(SessionAnswer, SkippedLinesAreOneOrARange) {
    const auto one = parseSessionAnswer("skipped 7");
    EXPECT_EQ(one.kind, SessionAnswer::Kind::kSkipped);
    EXPECT_EQ(one.lines, 7U);
    EXPECT_EQ(one.last, 7U);
    const auto range = parseSessionAnswer("skipped 7-9");
    EXPECT_EQ(range.kind, SessionAnswer::Kind::kSkipped);
    EXPECT_EQ(range.lines, 7U);
    EXPECT_EQ(range.last, 9U);
    for (const char* wrong : {"skipped", "skipped ", "skipped 0", "skipped 9-7", "skipped 7-",
                              "skipped -7", "skipped 7-8-9", "skipped seven"})
        EXPECT_EQ(parseSessionAnswer(wrong).kind, SessionAnswer::Kind::kUnknown) << wrong;
}

TEST(SessionAnswer, AnythingElseIsUnknown) {
    for (const char* line :
         {"", " ", "resume", "resume ", "resume x", "resume 1 ", "resume 1x", "resume -1",
          "durable 18446744073709551616", "Resume 1", "hello world", "resume  1", "durable1"})
        EXPECT_EQ(parseSessionAnswer(line).kind, Kind::kUnknown) << line;
}

TEST(SessionAnswer, RandomBytesAreNeverTakenForANumber) {
    std::mt19937 random(1);
    for (int i = 0; i < 10'000; ++i) {
        std::string line = "durable ";
        for (unsigned left = 1 + random() % 20; left != 0; --left)
            line += static_cast<char>(128 + random() % 128);
        EXPECT_EQ(parseSessionAnswer(line).kind, Kind::kUnknown);
    }
}

TEST(SessionName, IsPrintableAndNotTooLong) {
    EXPECT_TRUE(isSessionName("a"));
    EXPECT_TRUE(isSessionName(std::string(128, '~')));
    EXPECT_FALSE(isSessionName(""));
    EXPECT_FALSE(isSessionName(std::string(129, 'a')));
    EXPECT_FALSE(isSessionName("a b"));
    EXPECT_FALSE(isSessionName(std::string_view("a\0", 2)));
    EXPECT_FALSE(isSessionName("\x7f"));
    EXPECT_FALSE(isSessionName("\xc3\xa4"));
}

}  // namespace
}  // namespace tidemill::sources
