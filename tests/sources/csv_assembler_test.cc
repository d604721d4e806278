// However the bytes of a connection arrive, the blocks hold the same records of CSV.
#include "sources/csv_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "core/byte_codec.h"
#include "tests/support/csv_reference.h"

namespace tidemill::sources {
namespace {

using Records = std::vector<std::string>;

class Feeder {
public:
    Feeder(LineLimits limits, CsvRecords csv, std::size_t budgetBytes = 64 << 20)
        : pool_(core::BufferPool::make(budgetBytes)), assembler_(*pool_, limits, csv) {}

    // Hands over `bytes` in reads of at most `readBytesMax`.
    void feed(std::string_view bytes, std::size_t readBytesMax = ~std::size_t{0}) {
        while (!bytes.empty()) {
            const auto room = assembler_.makeRoom();
            if (room == RecordAssembler::Room::kFull) {
                take();
                continue;
            }
            ASSERT_EQ(room, RecordAssembler::Room::kReady);
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
        const auto cut = assembler_.take();
        EXPECT_EQ(cut.firstLine, records.size() + oversize + 1);
        core::ByteReader in({cut.buffer.data(), cut.sizeBytes});
        const auto before = records.size();
        while (!in.finished()) {
            records.emplace_back(in.string(in.left()));
            ASSERT_TRUE(in.ok());
        }
        EXPECT_EQ(records.size() - before, cut.lines);
        oversize += cut.oversize;
        ++blocks;
    }
    void finish() {
        take();
        assembler_.finishLine();
        take();
        EXPECT_FALSE(assembler_.insideLine());
    }

    CsvAssembler& assembler() { return assembler_; }
    std::size_t peakBytes() const { return peakBytes_; }
    core::BufferPool& pool() { return *pool_; }
    Records records;
    std::uint64_t oversize = 0;
    std::size_t blocks = 0;

private:
    std::shared_ptr<core::BufferPool> pool_;
    CsvAssembler assembler_;
    std::size_t peakBytes_ = 0;
};

// The end of the input ends the last line.
std::string ended(const std::string& text) {
    return text.empty() || text.ends_with('\n') ? text : text + "\n";
}

const std::string kText =
    "one,\"two\nthree\"\r\n\n\"a \"\"b\"\"\r\n\",c\n0123456789012345678901234\nx\"y,\"open\n"
    "is\nnot closed, ever\n\"but\nthis\"\nlast,\"ta\nil";

TEST(CsvAssembler, CutsTheSameRecordsAtEverySplitPosition) {
    for (const std::size_t max : {3, 9, 14, 20, 1000}) {
        const auto wanted = test::cutSlowly(ended(kText), {}, max);
        for (std::size_t split = 0; split <= kText.size(); ++split) {
            for (const bool takeBetween : {false, true}) {
                Feeder feeder({.recordBytesMax = max, .blockBytesMax = 4096}, {});
                feeder.feed(std::string_view(kText).substr(0, split));
                if (takeBetween) feeder.take();
                if (takeBetween) feeder.assembler().releaseBuffer();
                feeder.feed(std::string_view(kText).substr(split));
                feeder.finish();
                ASSERT_EQ(feeder.records, wanted.records) << "split at " << split;
                ASSERT_EQ(feeder.oversize, wanted.tooLong) << "split at " << split;
            }
        }
    }
}

TEST(CsvAssembler, CutsTheSameRecordsFromRandomTextInRandomReads) {
    for (unsigned seed = 0; seed < 400; ++seed) {
        std::mt19937 random(seed);
        const CsvRecords csv{random() % 4 == 0 ? '\t' : ',', random() % 2 == 0};
        const std::size_t max = random() % 2 == 0 ? 1 + random() % 50 : 1 + random() % 6000;
        const auto text = test::randomCsv(random, random() % 40'000);
        Feeder feeder({.recordBytesMax = max, .blockBytesMax = std::size_t{4096} << random() % 3},
                      csv);
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
        const auto wanted = test::cutSlowly(finished ? ended(text) : text, csv, max, finished);
        const auto common = std::min(feeder.records.size(), wanted.records.size());
        // What is too long is known before its end has come.
        if (finished) {
            ASSERT_EQ(feeder.records.size(), wanted.records.size()) << "seed " << seed;
            ASSERT_EQ(feeder.oversize, wanted.tooLong) << "seed " << seed;
        }
        ASSERT_LE(feeder.records.size() - common, 1u) << "seed " << seed;
        for (std::size_t i = 0; i < common; ++i)
            ASSERT_EQ(feeder.records[i], wanted.records[i]) << "seed " << seed << " record " << i;
    }
}

// Line ends are the most that lengths can be in the way of.
TEST(CsvAssembler, LengthsNeverOverwriteWhatIsNotYetMoved) {
    for (const std::string line : {"\n", "\"\n", "\"\n\"\n", "a\n"}) {
        std::string text;
        while (text.size() < 300'000) text += line;
        Feeder feeder({.recordBytesMax = 3, .blockBytesMax = 1 << 16}, {});
        feeder.feed(text);
        feeder.finish();
        ASSERT_EQ(feeder.records, test::cutSlowly(text, {}, 3).records);
    }
}

TEST(CsvAssembler, AQuoteThatNeverClosesIsPassedInConstantMemory) {
    Feeder feeder({.recordBytesMax = 1 << 20, .blockBytesMax = 4 << 20}, {}, 16 << 20);
    feeder.feed("before\na,\"open\n");
    const std::string piece(1 << 10, 'x');
    for (int i = 0; i < 100'000; ++i) feeder.feed(piece + "\n");
    feeder.feed("after\n");
    feeder.finish();
    EXPECT_EQ(feeder.records.front(), "before");
    EXPECT_EQ(feeder.records.back(), "after");
    // The record that fails takes the lines that fit, and no more.
    EXPECT_EQ(feeder.records.size(), 100'000u - 1022u + 3u);
    EXPECT_EQ(feeder.oversize, 0u);
    EXPECT_LE(feeder.peakBytes(), 8U << 20);
}

TEST(CsvAssembler, AHugeLineIsPassedInConstantMemory) {
    Feeder feeder({.recordBytesMax = 1 << 20, .blockBytesMax = 4 << 20}, {}, 16 << 20);
    feeder.feed("before\n\"");
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 200; ++i) feeder.feed(piece);
    feeder.feed("\"\nafter\n");
    feeder.finish();
    EXPECT_EQ(feeder.records, (Records{"before", "after"}));
    EXPECT_EQ(feeder.oversize, 1u);
    EXPECT_LE(feeder.peakBytes(), 8U << 20);
}

TEST(CsvAssembler, HoldsNoBufferBetweenRecordsAndSaysWhenTheBudgetIsFull) {
    Feeder feeder({.recordBytesMax = 1000, .blockBytesMax = 1 << 20}, {});
    feeder.feed("whole\n\"pa\nrt");
    EXPECT_EQ(feeder.assembler().unfinishedBytes(), 6u);
    feeder.take();
    EXPECT_FALSE(feeder.assembler().holdsBuffer());
    EXPECT_EQ(feeder.pool().usedBytes(), 0U);
    EXPECT_TRUE(feeder.assembler().insideLine());
    feeder.assembler().dropLine();
    EXPECT_FALSE(feeder.assembler().insideLine());
    feeder.feed("next\n");
    feeder.finish();
    EXPECT_EQ(feeder.records, (Records{"whole", "next"}));

    const auto pool = core::BufferPool::make(4096);
    CsvAssembler first(*pool, {.recordBytesMax = 100, .blockBytesMax = 4096}, {});
    CsvAssembler second(*pool, {.recordBytesMax = 100, .blockBytesMax = 4096}, {});
    ASSERT_EQ(first.makeRoom(), RecordAssembler::Room::kReady);
    EXPECT_EQ(second.makeRoom(), RecordAssembler::Room::kRefused);
    first.releaseBuffer();
    EXPECT_EQ(second.makeRoom(), RecordAssembler::Room::kReady);
}

}  // namespace
}  // namespace tidemill::sources
