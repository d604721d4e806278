// What a file source takes, on a disk in memory.
#include "sources/file_source.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/logging.h"
#include "sources/file_batch.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::sources {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

class FileSourceTest : public ::testing::Test {
protected:
    FileSourceTest() {
        core::setLogLevel(core::LogLevel::kError);
        EXPECT_TRUE(disk_.createDirectory("/in"));
        options_.directories = "/in";
        options_.existing = ExistingFiles::kTake;
        begin();
    }

    void put(const std::string& path, std::string_view text) {
        auto file = disk_.open(path, core::OpenMode::kReplace);
        ASSERT_TRUE(file && (*file)->writeAt(0, text));
    }

    // A life that goes on behind the batches that were kept.
    void begin() {
        source_ = std::make_unique<FileSource>(files_, options_);
        core::SourceOpening opening;
        opening.firstStart = fromMillis(1'000'000);
        for (const auto& [lane, position] : rows_) opening.positions.push_back({lane, position});
        ASSERT_TRUE(source_->open(opening));
    }

    // The next batch's range; empty: it takes nothing.
    std::string plan(std::size_t bytesMax = 1 << 20) {
        now_.wall += 1s;
        now_.monotonic += 1s;
        const auto prepared = source_->prepare(now_, bytesMax);
        EXPECT_TRUE(prepared) << prepared.error().message;
        if (!prepared) return {};
        const auto plan = source_->plan({bytesMax, 1 << 20, 2});
        EXPECT_TRUE(plan);
        return plan->range;
    }

    core::Result<Lines> read(const std::string& range) {
        if (range.empty()) return Lines();
        TM_ASSIGN(auto decoded, decodeFileRange(range));
        FileBatch batch(*source_, std::move(decoded));
        core::Arena arena;
        Lines lines;
        for (std::uint32_t i = 0; i < batch.partitions(); ++i) {
            TM_ASSIGN(const auto texts, batch.read(i, arena));
            for (auto text : texts)
                for (std::size_t at = 0; at < text.size();) {
                    const auto end = std::min(text.find('\n', at), text.size());
                    lines.emplace_back(text.substr(at, end - at));
                    at = end + 1;
                }
        }
        return lines;
    }

    Lines next(std::size_t bytesMax = 1 << 20) {
        auto lines = read(plan(bytesMax));
        EXPECT_TRUE(lines) << lines.error().message;
        keep();
        if (lines) std::sort(lines->begin(), lines->end());
        return lines.value_or(Lines());
    }

    void keep() {
        for (auto& change : source_->takeChanges())
            if (change.position) rows_[change.lane] = *change.position;
            else rows_.erase(change.lane);
    }

    testing::SimulatedDisk disk_;
    testing::FaultFileSystem files_{disk_};
    FileSourceOptions options_;
    std::unique_ptr<FileSource> source_;
    std::map<std::string, std::string> rows_;
    core::Instant now_{fromMillis(1'000'000), 1h};
};

TEST_F(FileSourceTest, AFileThatCannotBeReadIsTriedAgainAndOthersGoOn) {
    put("/in/a", "a\n");
    put("/in/b", "b\n");
    files_.refuse("/in/a", true);
    EXPECT_EQ(next(), (Lines{"b"}));
    put("/in/c", "c\n");
    EXPECT_EQ(next(), (Lines{"c"}));
    files_.refuse("/in/a", false);
    Lines later;
    for (int i = 0; i < 8 && later.empty(); ++i) later = next();
    EXPECT_EQ(later, (Lines{"a"}));
}

TEST_F(FileSourceTest, WithoutTimesOfBirthTheFirstBytesTellFilesApart) {
    files_.hideBirths();
    put("/in/a", "a\n");
    EXPECT_EQ(next(), (Lines{"a"}));
    ASSERT_TRUE(disk_.rename("/in/a", "/in/b"));
    EXPECT_EQ(next(), Lines());
    put("/in/b", "a\nand more\n");  // grown
    EXPECT_EQ(next(), Lines());
    begin();
    EXPECT_EQ(next(), Lines());
    put("/in/b", "x\nother\n");  // the number of a removed file came again
    EXPECT_EQ(next(), (Lines{"other", "x"}));
}

TEST_F(FileSourceTest, CountsTheLinesAndBytesThatBatchesRead) {
    put("/in/a", "one\ntwo\nthree");
    put("/in/b", "");
    put("/in/c", "\n\n");
    next();
    EXPECT_EQ(source_->statistics().records, 5u);
    EXPECT_EQ(source_->statistics().bytes, 15u);
    // What a start runs again is not counted.
    ASSERT_TRUE(source_->start());
    EXPECT_EQ(source_->statistics().records, 0u);
    put("/in/d", "four\n");
    next();
    EXPECT_EQ(source_->statistics().records, 1u);
    EXPECT_EQ(source_->statistics().bytes, 5u);
}

TEST_F(FileSourceTest, KnownFilesAreARowEachAndForgottenWhenTheyAreGone) {
    for (int i = 0; i < 100; ++i) put("/in/" + std::to_string(i), "x\n");
    EXPECT_EQ(next().size(), 100u);
    EXPECT_EQ(rows_.size(), 101u);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(disk_.unlink("/in/" + std::to_string(i)));
    next();
    EXPECT_EQ(rows_.size(), 101u) << "it may come back";
    now_.monotonic += FileSource::kForgetAfter;
    next();
    EXPECT_EQ(rows_.size(), 1u);
    EXPECT_TRUE(plan().empty()) << "a batch records what it changes only";
}

TEST_F(FileSourceTest, FilesOfADirectoryThatGoesAwayAndComesBackStayKnown) {
    put("/in/a", "a\n");
    EXPECT_EQ(next(), (Lines{"a"}));
    ASSERT_TRUE(disk_.rename("/in", "/away"));
    now_.monotonic += 1h;
    next();
    now_.monotonic += 1h;
    next();
    ASSERT_TRUE(disk_.rename("/away", "/in"));
    EXPECT_EQ(next(), Lines());
}

TEST_F(FileSourceTest, AFileThatGoesBetweenLookAndReadStopsTheBatchByName) {
    put("/in/a", "a\n");
    const auto range = plan();
    ASSERT_TRUE(disk_.unlink("/in/a"));
    const auto lines = read(range);
    ASSERT_FALSE(lines);
    EXPECT_NE(lines.error().message.find("file=/in/a"), std::string::npos) << lines.error().message;
    EXPECT_NE(lines.error().message.find("on_lost_data"), std::string::npos);
    options_.onLostData = LostData::kSkip;
    begin();
    EXPECT_EQ(read(range).value_or(Lines{"?"}), Lines());
}

TEST_F(FileSourceTest, AReplayOfAGrownFileReadsWhatTheBatchRead) {
    put("/in/a", "one\ntwo\n");
    const auto range = plan();
    put("/in/a", "one\ntwo\nthree\n");
    EXPECT_EQ(read(range).value_or(Lines()), (Lines{"one", "two"}));
    put("/in/a", "one\ntwX\nthree\n");
    EXPECT_FALSE(read(range));
}

TEST_F(FileSourceTest, ARecordNamesNoMoreFilesThanFit) {
    for (int i = 0; i < 100; ++i) put("/in/" + std::string(200, 'n') + std::to_string(i), "x\n");
    ASSERT_TRUE(source_->prepare(now_, 1 << 20));
    std::size_t taken = 0;
    for (int batch = 0; batch < 100 && taken < 100; ++batch) {
        const auto plan = source_->plan({1 << 20, 2000, 1});
        ASSERT_TRUE(plan);
        EXPECT_LE(plan->range.size(), 2000u);
        taken += decodeFileRange(plan->range)->pieces.size();
        ASSERT_TRUE(source_->prepare(now_, 1 << 20));
    }
    EXPECT_EQ(taken, 100u);
}

TEST_F(FileSourceTest, DirectoriesOfAPatternAreFoundAsTheyCome) {
    options_.directories = "/in/day-*/*";
    begin();
    EXPECT_EQ(next(), Lines());
    for (const char* directory : {"/in/day-1", "/in/day-1/x", "/in/night", "/in/night/x"})
        ASSERT_TRUE(disk_.createDirectory(directory));
    put("/in/day-1/x/a", "a\n");
    put("/in/day-1/b", "b\n");
    put("/in/night/x/c", "c\n");
    EXPECT_EQ(next(), (Lines{"a"}));
}

TEST_F(FileSourceTest, RowsAndRangesOfTheFirstFormatAreRefused) {
    const auto refused = source_->open({{}, {{"", std::string("\0\0\0\0\1", 5)}}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, core::ErrorKind::kUnsupported);
    EXPECT_FALSE(source_->resumeBehind(std::string("\1\0\0\0", 4)));
}

TEST_F(FileSourceTest, RangesAndRowsOfTheSecondFormatAreReadAsOfPlainFiles) {
    FileRange range;
    range.pieces.push_back({{{1, 2}, 3, 40, 5, 6, 7}, "/a/path", 8, 9, true, 10});
    auto bytes = encode(range);
    bytes[0] = 2;
    const auto decoded = decodeFileRange(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, range);
    auto row = encode(KnownFile{{{1, 2}, 3, 40, 5, 6, 7}, 8, false, "/a/path"});
    row[0] = 2;
    const auto known = decodeKnownFile({1, 2}, row);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->readTo, 8u);
    EXPECT_FALSE(known->done);
    row[1] = 6;
    EXPECT_FALSE(decodeKnownFile({1, 2}, row)) << "no such compression";
}

TEST_F(FileSourceTest, RangesAndRowsComeBackAsTheyWere) {
    FileRange range;
    range.recordBytesMax = 7;
    range.begun = true;
    range.oldBeforeMillis = -5;
    range.pieces.push_back(
        {{{1, 2}, 3, 40, 5, 6, 7}, "/a/path", 8, 9, false, 10, Compression::kZstd});
    range.left.push_back({{11, 12}, 13, 14, 15, 16, 17});
    range.forgotten.push_back({18, 19});
    const auto bytes = encode(range);
    const auto decoded = decodeFileRange(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, range);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decodeFileRange(std::string_view(bytes).substr(0, size))) << size;
    FileId id;
    EXPECT_TRUE(parseFileId(toString(FileId{0xfe00, 0x9842b4}), id));
    EXPECT_EQ(id, (FileId{0xfe00, 0x9842b4}));
    EXPECT_FALSE(parseFileId("12", id));
    EXPECT_FALSE(parseFileId("12-", id));
    EXPECT_FALSE(parseFileId("1-2x", id));
}

}  // namespace
}  // namespace tidemill::sources
