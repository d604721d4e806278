// gzip and zstd, there and back.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/compressed.h"

namespace tidemill::core {
namespace {

using test::compressed;
using test::decompressed;

class CompressionTest : public ::testing::TestWithParam<Compression> {};
INSTANTIATE_TEST_SUITE_P(Kinds, CompressionTest,
                         ::testing::Values(Compression::kGzip, Compression::kZstd),
                         [](const auto& kind) { return std::string(nameOf(kind.param)); });

std::string numbers(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += std::to_string(i * i) + " ";
    return text;
}

TEST_P(CompressionTest, TakesAndGivesPiecesOfAnySize) {
    const auto text = numbers(3000);
    const auto bytes = compressed(GetParam(), text);
    EXPECT_LT(bytes.size(), text.size());
    for (const std::size_t piece : {std::size_t{1}, std::size_t{37}, bytes.size()})
        for (const std::size_t room : {std::size_t{1}, std::size_t{100}, text.size() + 1})
            ASSERT_EQ(decompressed(GetParam(), bytes, piece, room), text) << piece << " " << room;
}

TEST_P(CompressionTest, MembersBehindEachOtherAreOneText) {
    const auto first = numbers(1000), last = numbers(10);
    const auto bytes =
        compressed(GetParam(), first) + compressed(GetParam(), "") + compressed(GetParam(), last);
    for (const std::size_t piece : {std::size_t{1}, bytes.size()})
        EXPECT_EQ(decompressed(GetParam(), bytes, piece), first + last);
}

TEST_P(CompressionTest, OneCompressorMakesMemberAfterMemberThatAreTheSame) {
    const auto compressor = Compressor::make(GetParam());
    std::string out;
    for (int i = 0; i < 3; ++i) {
        compressor->take("the tide ", out);
        compressor->finish(out);
    }
    const auto one = compressed(GetParam(), "the tide ");
    EXPECT_EQ(out, one + one + one);
}

TEST_P(CompressionTest, APrefixIsIncompleteAndAFlippedByteIsSeen) {
    const auto text = numbers(20);
    const auto bytes = compressed(GetParam(), text);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        ASSERT_EQ(decompressed(GetParam(), std::string_view(bytes).substr(0, size)), "incomplete")
            << size;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (GetParam() == Compression::kGzip && i >= 4 && i <= 9) continue;  // time, flags, system
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
        const auto got = decompressed(GetParam(), damaged);
        // A frame of zstd has bits in its head that change nothing.
        ASSERT_TRUE(got == "damaged" || got == "incomplete" ||
                    (GetParam() == Compression::kZstd && i < 16 && got == text))
            << i << ": " << got;
    }
}

TEST_P(CompressionTest, WhatFollowsAndIsNoneOfItIsDamage) {
    EXPECT_EQ(decompressed(GetParam(), compressed(GetParam(), "x") + "y12345678"), "damaged");
    EXPECT_EQ(decompressed(GetParam(), "no such thing"), "damaged");
}

TEST_P(CompressionTest, RandomBytesEndInNothingWorseThanDamage) {
    std::mt19937 random(1);
    const auto sound = compressed(GetParam(), numbers(300));
    for (int i = 0; i < 2000; ++i) {
        auto bytes = sound.substr(0, random() % (sound.size() + 1));
        for (int flips = static_cast<int>(random() % 8); flips > 0 && !bytes.empty(); --flips)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        decompressed(GetParam(), bytes, 1 + random() % 64, 1 + random() % 512);
    }
}

TEST(Gzip, ZerosBehindItsEndArePadding) {
    const auto bytes = compressed(Compression::kGzip, "x") + std::string(512, '\0');
    EXPECT_EQ(decompressed(Compression::kGzip, bytes, 1), "x");
    EXPECT_EQ(decompressed(Compression::kGzip, bytes + compressed(Compression::kGzip, "y")),
              "damaged");
}

TEST(Compression, IsToldByTheEndOfAName) {
    EXPECT_EQ(compressionOf("/in/a.log.gz"), Compression::kGzip);
    EXPECT_EQ(compressionOf("a.zst"), Compression::kZstd);
    EXPECT_EQ(compressionOf("a.gz.1"), Compression::kNone);
    EXPECT_EQ(compressionOf("gz"), Compression::kNone);
}

}  // namespace
}  // namespace tidemill::core
