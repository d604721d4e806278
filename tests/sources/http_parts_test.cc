// The parts of an HTTP source by themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sources/http/gunzip.h"
#include "sources/http/http_check.h"
#include "sources/http/request_body.h"
#include "tests/support/http_client.h"

namespace tidemill::sources::http {
namespace {

using testing::HasSubstr;

TEST(HttpLines, AreCountedAndMeasured) {
    EXPECT_EQ(linesOf("", 5).count, 0u);
    const auto lines = linesOf("12345\n12345\r\n\n", 5);
    EXPECT_EQ(lines.count, 3u);
    EXPECT_EQ(lines.tooLong, 0u);
    const auto tooLong = linesOf("a\n123456\nb\n", 5);
    EXPECT_EQ(tooLong.tooLong, 2u);
    EXPECT_EQ(tooLong.tooLongBytes, 6u);
    EXPECT_EQ(linesOf("123456\r\n", 5).tooLongBytes, 6u);
    EXPECT_EQ(behindLines("a\nbc\n\nd\n", 0), 0u);
    EXPECT_EQ(behindLines("a\nbc\n\nd\n", 3), 6u);
}

TEST(HttpGunzip, TakesPiecesOfAnySize) {
    std::string text;
    for (int i = 0; i < 30'000; ++i) text += std::to_string(i * i) + " ";
    const auto zipped = test::gzipped(text);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{37}, zipped.size()}) {
        Gunzip gunzip;
        std::string out;
        for (std::size_t at = 0; at < zipped.size(); at += piece) {
            EXPECT_FALSE(gunzip.isComplete());
            ASSERT_EQ(gunzip.take(std::string_view(zipped).substr(at, piece), out, text.size()),
                      Gunzip::Outcome::kTaken);
        }
        EXPECT_TRUE(gunzip.isComplete());
        EXPECT_EQ(out, text);
    }
}

TEST(HttpGunzip, GoesToItsLimitAndNotBeyond) {
    const std::string text(100'000, 'x');
    const auto zipped = test::gzipped(text);
    std::string out;
    EXPECT_EQ(Gunzip().take(zipped, out, text.size()), Gunzip::Outcome::kTaken);
    EXPECT_EQ(out, text);
    out.clear();
    EXPECT_EQ(Gunzip().take(zipped, out, text.size() - 1), Gunzip::Outcome::kTooLarge);
    EXPECT_LE(out.size(), text.size() - 1);
}

TEST(HttpGunzip, AnyFlippedByteIsSeen) {
    const auto zipped = test::gzipped("the tide turns the mill, the mill turns the stone\n");
    for (std::size_t i = 0; i < zipped.size(); ++i) {
        if (i >= 4 && i <= 9) continue;  // time, flags of the compressor, system: no part of it
        auto damaged = zipped;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
        Gunzip gunzip;
        std::string out;
        const auto outcome = gunzip.take(damaged, out, 1 << 20);
        EXPECT_TRUE(outcome != Gunzip::Outcome::kTaken || !gunzip.isComplete()) << i;
    }
}

TEST(HttpCheck, PathsAndLimitsThatCannotBeAreNamed) {
    HttpOptions options;
    EXPECT_TRUE(checkOptions(options));
    options.path = "orders";
    EXPECT_THAT(checkOptions(options).error().message, HasSubstr("path is \"orders\""));
    options.path = "/a b";
    EXPECT_FALSE(checkOptions(options));
    options.path = "/a:b";  // ':' ends the path in the names of lanes
    EXPECT_FALSE(checkOptions(options));
    options.path = "/v1/orders-2_x.y~";
    EXPECT_TRUE(checkOptions(options));
    options.requestBytesMax = 64 << 20;
    EXPECT_THAT(checkOptions(options).error().message,
                HasSubstr("max_request_bytes is 67108864; expected 1 KiB to 32 MiB"));
    options.requestBytesMax = 1 << 20;
    options.idleTimeMax = std::chrono::milliseconds(0);
    EXPECT_THAT(checkOptions(options).error().message, HasSubstr("idle_time is 0 ms"));
}

TEST(HttpCheck, ATokenIsReadWithoutItsLineEnd) {
    const std::string file = testing::TempDir() + "http_check_token";
    std::ofstream(file) << "0123456789abcdef\r\n";
    EXPECT_EQ(readToken(file).value(), "0123456789abcdef");
    std::ofstream(file) << "short\n";
    EXPECT_THAT(readToken(file).error().message, HasSubstr("holds 5 bytes; expected a token of"));
    std::ofstream(file) << "0123456789abcdef 0123456789abcdef\n";
    EXPECT_THAT(readToken(file).error().message, HasSubstr("not all of them printable"));
    EXPECT_THAT(readToken(file + ".none").error().message, HasSubstr("cannot be read"));
    EXPECT_TRUE(isSame("abc", "abc"));
    EXPECT_FALSE(isSame("abc", "abd"));
    EXPECT_FALSE(isSame("abc", "ab"));
}

}  // namespace
}  // namespace tidemill::sources::http
