// However the bytes of a connection arrive, the blocks hold the same lines.
#include "sources/line_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "sources/line_scan.h"

namespace tidemill::sources {
namespace {

struct Seen {
    std::string bytes;
    std::uint64_t lines = 0;
    std::uint64_t oversize = 0;
    std::size_t blocks = 0;
};

class Feeder {
public:
    explicit Feeder(LineLimits limits, std::size_t budgetBytes = 64 << 20)
        : pool_(core::BufferPool::make(budgetBytes)), assembler_(*pool_, limits, 1) {}

    // Hands over `bytes` in reads of at most `readBytesMax`.
    void feed(std::string_view bytes, std::size_t readBytesMax = ~std::size_t{0}) {
        while (!bytes.empty()) {
            const auto room = assembler_.makeRoom();
            if (room == LineAssembler::Room::kFull) {
                take();
                continue;
            }
            ASSERT_EQ(room, LineAssembler::Room::kReady);
            const auto space = assembler_.room();
            ASSERT_GT(space.size(), 0U);
            const std::size_t count = std::min({space.size(), bytes.size(), readBytesMax});
            std::memcpy(space.data(), bytes.data(), count);
            bytes.remove_prefix(count);
            assembler_.added(count);
            peakBytes_ = std::max(peakBytes_, pool_->usedBytes());
        }
    }
    void take() {
        if (!assembler_.hasLines()) return;
        auto cut = assembler_.take();
        EXPECT_EQ(cut.firstLine, seen.lines + seen.oversize + 1);
        const std::string_view bytes(cut.buffer.data(), cut.sizeBytes);
        EXPECT_TRUE(bytes.empty() || bytes.back() == '\n');
        EXPECT_EQ(countLineEnds(bytes), cut.lines);
        seen.bytes += bytes;
        seen.lines += cut.lines;
        seen.oversize += cut.oversize;
        ++seen.blocks;
    }
    void finish() {
        take();
        assembler_.finishLine();
        take();
    }

    LineAssembler& assembler() { return assembler_; }
    std::size_t peakBytes() const { return peakBytes_; }
    core::BufferPool& pool() { return *pool_; }
    Seen seen;

private:
    std::shared_ptr<core::BufferPool> pool_;
    LineAssembler assembler_;
    std::size_t peakBytes_ = 0;
};

// What must come out, computed the slow way.
Seen expected(std::string_view text, std::size_t max, bool finished) {
    Seen seen;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string line(text.substr(0, end));
        if (end == text.npos && !finished) break;
        text = end == text.npos ? std::string_view() : text.substr(end + 1);
        const bool cr = !line.empty() && line.back() == '\r';
        if (line.size() - (cr ? 1 : 0) > max) {
            ++seen.oversize;
        } else {
            seen.bytes += line + "\n";
            ++seen.lines;
        }
    }
    return seen;
}

void expectSame(const Seen& actual, const Seen& wanted, const std::string& what) {
    ASSERT_EQ(actual.bytes, wanted.bytes) << what;
    ASSERT_EQ(actual.lines, wanted.lines) << what;
    ASSERT_EQ(actual.oversize, wanted.oversize) << what;
}

using namespace std::string_literals;
const std::string kText =
    "one\r\n\n\0two\n0123456789\n0123456789a\n0123456789\r\n0123456789a\r\n\xff\xfe\n"s +
    "0123456789ab\nlast\n01234567890123456789\ntail"s;

TEST(LineAssembler, CutsTheSameLinesAtEverySplitPosition) {
    for (std::size_t split = 0; split <= kText.size(); ++split) {
        for (const bool takeBetween : {false, true}) {
            Feeder feeder({.recordBytesMax = 10, .blockBytesMax = 4096});
            feeder.feed(std::string_view(kText).substr(0, split));
            if (takeBetween) feeder.take();
            if (takeBetween) feeder.assembler().releaseBuffer();
            feeder.feed(std::string_view(kText).substr(split));
            feeder.finish();
            expectSame(feeder.seen, expected(kText, 10, true), "split at " + std::to_string(split));
        }
    }
}

TEST(LineAssembler, CutsTheSameLinesByteByByte) {
    Feeder feeder({.recordBytesMax = 10, .blockBytesMax = 4096});
    feeder.feed(kText, 1);
    feeder.take();
    expectSame(feeder.seen, expected(kText, 10, false), "unfinished");
    EXPECT_TRUE(feeder.assembler().insideLine());
    EXPECT_EQ(feeder.assembler().unfinishedBytes(), 4U);
}

TEST(LineAssembler, CutsTheSameLinesFromRandomTextInRandomReads) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 random(seed);
        const std::size_t max = random() % 3 == 0 ? random() % 20 : 1 + random() % 6000;
        std::string text;
        const std::size_t length = random() % 60'000;
        const unsigned every = 1 + random() % (random() % 2 == 0 ? 40 : 9000);
        while (text.size() < length) {
            const auto r = random();
            text += r % every == 0 ? '\n' : (r >> 8) % 20 == 0 ? '\r' : static_cast<char>(r >> 16);
        }
        Feeder feeder({.recordBytesMax = max, .blockBytesMax = std::size_t{4096} << random() % 3});
        for (std::string_view rest = text; !rest.empty();) {
            const std::size_t count = std::min<std::size_t>(rest.size(), 1 + random() % 5000);
            feeder.feed(rest.substr(0, count), 1 + random() % 3000);
            rest.remove_prefix(count);
            if (random() % 4 == 0) feeder.take();
            if (random() % 4 == 0) feeder.assembler().releaseBuffer();
        }
        const bool finished = random() % 2 == 0;
        if (finished) feeder.finish();
        feeder.take();
        expectSame(feeder.seen, expected(text, max, finished), "seed " + std::to_string(seed));
    }
}

TEST(LineAssembler, SkipsAHugeLineInConstantMemory) {
    Feeder feeder({.recordBytesMax = 1 << 20, .blockBytesMax = 4 << 20}, 16 << 20);
    feeder.feed("before\n");
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 1024; ++i) feeder.feed(piece);
    feeder.feed("\nafter\n");
    feeder.finish();
    EXPECT_EQ(feeder.seen.bytes, "before\nafter\n");
    EXPECT_EQ(feeder.seen.oversize, 1U);
    EXPECT_LE(feeder.peakBytes(), 8U << 20);
}

TEST(LineAssembler, AnUnfinishedOversizeLineCountsAtTheEndOnly) {
    Feeder feeder({.recordBytesMax = 4, .blockBytesMax = 4096});
    feeder.feed("a\n0123456789");
    feeder.take();
    EXPECT_EQ(feeder.seen.oversize, 0U);
    feeder.finish();
    EXPECT_EQ(feeder.seen.oversize, 1U);
    EXPECT_EQ(feeder.seen.bytes, "a\n");
}

TEST(LineAssembler, BuffersFollowTheRate) {
    Feeder feeder({.recordBytesMax = 1000, .blockBytesMax = 1 << 20});
    feeder.feed("x\n");
    EXPECT_EQ(feeder.pool().usedBytes(), 4096U);
    std::string much;
    while (much.size() < (8 << 20)) much += "a line of some length\n";
    feeder.feed(much);
    EXPECT_LT(feeder.seen.blocks, 20U);
    EXPECT_EQ(feeder.pool().usedBytes(), 1U << 20);
    feeder.take();
    for (int i = 0; i < 2; ++i) {
        feeder.feed("x\n");
        feeder.take();
    }
    feeder.feed("x\n");
    EXPECT_EQ(feeder.pool().usedBytes(), 4096U);
}

TEST(LineAssembler, HoldsNoBufferBetweenLines) {
    Feeder feeder({.recordBytesMax = 1000, .blockBytesMax = 1 << 20});
    feeder.feed("whole\npart");
    feeder.take();
    EXPECT_FALSE(feeder.assembler().holdsBuffer());
    EXPECT_EQ(feeder.pool().usedBytes(), 0U);
    EXPECT_EQ(feeder.assembler().unfinishedBytes(), 4U);
    feeder.feed("ial");
    EXPECT_TRUE(feeder.assembler().holdsBuffer());
    feeder.assembler().releaseBuffer();
    EXPECT_EQ(feeder.pool().usedBytes(), 0U);
    feeder.feed("\n");
    feeder.take();
    EXPECT_EQ(feeder.seen.bytes, "whole\npartial\n");
}

TEST(LineAssembler, SaysWhenTheBudgetIsFull) {
    auto pool = core::BufferPool::make(4096);
    LineAssembler first(*pool, {.recordBytesMax = 100, .blockBytesMax = 4096}, 1);
    LineAssembler second(*pool, {.recordBytesMax = 100, .blockBytesMax = 4096}, 1);
    ASSERT_EQ(first.makeRoom(), LineAssembler::Room::kReady);
    EXPECT_EQ(second.makeRoom(), LineAssembler::Room::kRefused);
    first.releaseBuffer();
    EXPECT_EQ(second.makeRoom(), LineAssembler::Room::kReady);
}

TEST(LineScan, CountsLineEndsOfEveryLength) {
    std::string text;
    std::size_t wanted = 0;
    for (unsigned i = 0; i < 20'000; ++i) {
        if (i % 97 == 0 || i < 700) {
            ASSERT_EQ(countLineEnds(text), wanted) << text.size();
        }
        text += i % 3 == 0 || i > 10'000 ? '\n' : 'x';
        wanted += text.back() == '\n' ? 1 : 0;
    }
}

}  // namespace
}  // namespace tidemill::sources
