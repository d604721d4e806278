// Records of batches that do not fit what they are to be run on.
#include "tidemill/recorded_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/inputs/memory_text.h"
#include "core/partition_cut.h"
#include "core/stream_node.h"

namespace tidemill {
namespace {

using core::BlockPtr;
using core::CutPoint;
using core::ErrorKind;
using ::testing::HasSubstr;

constexpr std::string_view kText = "from\nmemory\n";

// Source 1: lines, source 2: records with a length in front, source 3: text in memory.
class RecordedBatch : public ::testing::Test {
protected:
    RecordedBatch() {
        for (const char* kind : {"lines", "records", "memory"}) {
            SourceDeclaration source;
            source.kind = source.description = kind;
            job_.addSource(std::move(source));
        }
        job_.sources[1].framing = core::Framing::kPrefixed;
        job_.sources[2].replayable = std::make_shared<core::MemoryText>(kText, 0);
        blocks_ = {blockOf(0, "a\nb\n", 2, 5), blockOf(1, "c\n", 1, 6), blockOf(0, "d\n", 1, 7)};
        record_.batch = core::BatchId(9);
        record_.keyRanges = core::kKeyRanges;
        record_.cuts = {{0, 0}, {0, 2}, {1, 0}, {2, 0}};
        record_.ranges = {{core::SourceId(2), rangeOfText()}};
        record_.skippedByOption = {{core::Lsn(5), 2}, {core::Lsn(7), 1}};
    }

    static BlockPtr blockOf(std::uint32_t source, std::string_view text, std::uint32_t lines,
                            std::uint64_t lsn) {
        core::BlockOrigin origin;
        origin.source = core::SourceId(source);
        origin.lines = lines;
        auto buffer = core::Buffer::unpooled(text.size());
        std::memcpy(buffer.data(), text.data(), text.size());
        return std::make_shared<core::Block>(std::move(buffer), text.size(), std::move(origin),
                                             core::Lsn(lsn));
    }
    std::string rangeOfText() {
        core::ReplayableSource::Limits limits;
        limits.bytes = 5;
        return core::MemoryText(kText, 0).plan(limits).value().range;
    }

    core::Result<> check() const { return checkRecorded(job_, record_, blocks_); }
    void expectRefused(ErrorKind kind, const std::string& what) const {
        const auto checked = check();
        ASSERT_FALSE(checked) << what;
        EXPECT_EQ(checked.error().kind, kind) << checked.error().message;
        EXPECT_THAT(checked.error().message, HasSubstr("batch 9 cannot be run again"));
        EXPECT_THAT(checked.error().message, HasSubstr(what));
    }

    Job job_;
    core::BatchRecord record_;
    std::vector<BlockPtr> blocks_;
};

TEST_F(RecordedBatch, OneThatFitsIsAccepted) {
    EXPECT_TRUE(check());
    EXPECT_TRUE(resumeRanges(job_, record_));
    record_ = {};
    record_.keyRanges = core::kKeyRanges;
    blocks_.clear();
    EXPECT_TRUE(check());
}

TEST_F(RecordedBatch, CutsMustFitTheBlocksAtRecordBoundaries) {
    const std::vector<std::pair<std::vector<CutPoint>, std::string>> wrong{
        {{}, "in no partition"},
        {{{0, 2}}, "the first is not at the beginning"},
        {{{1, 0}}, "the first is not at the beginning"},
        {{{0, 0}, {0, 0}}, "out of order"},
        {{{0, 0}, {1, 0}, {0, 2}}, "out of order"},
        {{{0, 0}, {0, 1}}, "within a record"},
        {{{0, 0}, {0, 3}}, "within a record"},
        {{{0, 0}, {1, 1}}, "within a record"},
        {{{0, 0}, {0, 5}}, "behind the block's end"},
        {{{0, 0}, {3, 0}}, "no such block"},
        {{{0, 0}, {0xFFFF'FFFF, 0xFFFF'FFFF}}, "no such block"},
    };
    for (const auto& [cuts, what] : wrong) {
        record_.cuts = cuts;
        expectRefused(ErrorKind::kCorrupt, what);
    }
    // Without any of its records no cut is asked for.
    record_.allSkippedByOption = true;
    EXPECT_TRUE(check());
}

TEST_F(RecordedBatch, CutsOfABatchWithoutBlocksAreRefused) {
    blocks_.clear();
    record_.skippedByOption.clear();
    expectRefused(ErrorKind::kCorrupt, "no such block");
}

TEST_F(RecordedBatch, MoreCutsThanAnyBatchHasAreRefused) {
    std::string text;
    record_.cuts.clear();
    for (std::uint32_t i = 0; i <= core::kPartitionsMax; ++i) {
        record_.cuts.push_back({0, i});
        text += "\n";
    }
    record_.skippedByOption.clear();
    blocks_ = {blockOf(0, text, 1, 5)};
    expectRefused(ErrorKind::kCorrupt, "too many");
}

TEST_F(RecordedBatch, OtherKeyRangesAreRefused) {
    record_.keyRanges = 32;
    expectRefused(ErrorKind::kUnsupported, "32 key ranges");
}

TEST_F(RecordedBatch, SourcesMustBeThereAndOfTheirKind) {
    const auto blocks = blocks_;
    blocks_.push_back(blockOf(3, "x\n", 1, 8));
    expectRefused(ErrorKind::kConflict, "source 4, but the job has 3");
    blocks_ = blocks;
    blocks_.push_back(blockOf(2, "x\n", 1, 8));
    expectRefused(ErrorKind::kConflict, "source 3, which was of another kind");
    blocks_ = blocks;
    record_.ranges.push_back({core::SourceId(7), "x"});
    expectRefused(ErrorKind::kConflict, "source 8, but the job has 3");
    record_.ranges = {{core::SourceId(0), "x"}};
    expectRefused(ErrorKind::kConflict, "source 1, which was of another kind");
}

TEST_F(RecordedBatch, ASourceHasOneRange) {
    record_.ranges.push_back(record_.ranges.front());
    expectRefused(ErrorKind::kCorrupt, "source 3 stands behind source 3");
}

TEST_F(RecordedBatch, ARangeThatIsNoneOfItsSourceIsNamed) {
    record_.ranges.front().bytes.resize(3);
    const auto resumed = resumeRanges(job_, record_);
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().kind, ErrorKind::kCorrupt);
    EXPECT_THAT(resumed.error().message,
                HasSubstr("batch 9 cannot be run again: what it takes of memory: "));
}

TEST_F(RecordedBatch, WhatItLeavesOutMustBeItsOwnInOrder) {
    const std::vector<std::vector<core::RecordPlace>> foreign{
        {{core::Lsn(4), 1}}, {{core::Lsn(5), 0}}, {{core::Lsn(5), 3}}, {{core::Lsn(8), 1}}};
    for (const auto& places : foreign) {
        record_.skippedByOption = places;
        expectRefused(ErrorKind::kCorrupt, "which is none of its own");
    }
    record_.skippedByOption = {{core::Lsn(7), 1}, {core::Lsn(5), 2}};
    expectRefused(ErrorKind::kCorrupt, "out of order: 5:2");
    record_.skippedByOption = {{core::Lsn(5), 2}, {core::Lsn(5), 2}};
    expectRefused(ErrorKind::kCorrupt, "out of order: 5:2");
}

}  // namespace
}  // namespace tidemill
