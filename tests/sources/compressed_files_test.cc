// Compressed files: wherever batches and lives end, their text is read once and whole, and what is
// damaged waits.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/logging.h"
#include "sources/file_batch.h"
#include "sources/file_source.h"
#include "tests/support/compressed.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::sources {
namespace {

using namespace std::chrono_literals;
using test::compressed;
using Lines = std::vector<std::string>;

class CompressedFiles : public ::testing::TestWithParam<Compression> {
protected:
    CompressedFiles() {
        core::setLogLevel(core::LogLevel::kError);
        EXPECT_TRUE(disk_.createDirectory("/in"));
        options_.directories = "/in";
        options_.existing = ExistingFiles::kTake;
        begin();
    }

    std::string name(const std::string& begin) const {
        return "/in/" + begin + std::string(core::suffixOf(GetParam()));
    }

    void put(const std::string& path, std::string_view bytes) {
        auto file = disk_.open(path, core::OpenMode::kReplace);
        ASSERT_TRUE(file && (*file)->writeAt(0, bytes));
    }

    // A life that goes on behind the batches that were kept.
    void begin() {
        source_ = std::make_unique<FileSource>(files_, options_);
        core::SourceOpening opening;
        opening.firstStart = fromMillis(1'000'000);
        for (const auto& [lane, position] : rows_) opening.positions.push_back({lane, position});
        ASSERT_TRUE(source_->open(opening));
    }

    std::string plan(std::size_t prepareBytes, std::size_t planBytes) {
        now_.wall += 1s;
        now_.monotonic += 1s;
        const auto prepared = source_->prepare(now_, prepareBytes);
        EXPECT_TRUE(prepared) << prepared.error().message;
        if (!prepared) return {};
        const auto plan = source_->plan({planBytes, 1 << 20, 2});
        EXPECT_TRUE(plan);
        return plan->range;
    }

    // What a batch with this range has, line by line; the error's message when it fails.
    static Lines read(FileSource& source, const std::string& range) {
        Lines lines;
        if (range.empty()) return lines;
        const auto visited = source.visitRecords(
            range, [&](std::string_view, std::string_view record) { lines.emplace_back(record); });
        if (!visited) return {visited.error().message};
        return lines;
    }

    // The next batch. It reads the same again in another life.
    Lines next(std::size_t prepareBytes = 1 << 20, std::size_t planBytes = 1 << 20) {
        const auto range = plan(prepareBytes, planBytes);
        wasQuiet_ = range.empty() || decodeFileRange(range)->pieces.empty();
        auto lines = read(*source_, range);
        FileSource other(files_, options_);
        EXPECT_EQ(read(other, range), lines);
        keep();
        return lines;
    }

    void keep() {
        for (auto& change : source_->takeChanges())
            if (change.position) rows_[change.lane] = *change.position;
            else rows_.erase(change.lane);
    }

    // All that batches bring until nothing more comes.
    Lines rest(std::size_t prepareBytes = 1 << 20, std::size_t planBytes = 1 << 20) {
        Lines all;
        for (int quiet = 0; quiet < 3;) {
            const auto lines = next(prepareBytes, planBytes);
            quiet = wasQuiet_ ? quiet + 1 : 0;
            all.insert(all.end(), lines.begin(), lines.end());
        }
        return all;
    }

    bool wasQuiet_ = false;  // the last batch read no file
    testing::SimulatedDisk disk_;
    testing::FaultFileSystem files_{disk_};
    FileSourceOptions options_;
    std::unique_ptr<FileSource> source_;
    std::map<std::string, std::string> rows_;
    core::Instant now_{fromMillis(2'000'000'000'000), 1h};
};
INSTANTIATE_TEST_SUITE_P(Kinds, CompressedFiles,
                         ::testing::Values(Compression::kGzip, Compression::kZstd),
                         [](const auto& kind) { return std::string(core::nameOf(kind.param)); });

Lines someLines(std::mt19937& random, int count, std::size_t longest) {
    Lines lines;
    for (int i = 0; i < count; ++i)
        lines.push_back(std::to_string(i) + ":" + std::string(random() % longest, 'x'));
    return lines;
}

std::string textOf(const Lines& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return text;
}

TEST_P(CompressedFiles, AreReadOnceAndWholeWhereverBatchesAndLivesEnd) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937 random(seed);
        const auto lines = someLines(random, 1 + static_cast<int>(random() % 300), 60);
        auto text = textOf(lines);
        if (random() % 2 == 0) text.pop_back();
        // One or several members.
        std::string bytes;
        for (std::size_t at = 0; at < text.size();) {
            const auto size = random() % 3 == 0 ? text.size() : 1 + random() % text.size();
            bytes += compressed(GetParam(), std::string_view(text).substr(at, size));
            at += size;
        }
        const auto path = name(std::to_string(seed));
        put(path, bytes);
        const std::size_t prepareBytes = 1 + random() % 2000;
        Lines got;
        for (int quiet = 0; quiet < 2;) {
            const auto some = next(prepareBytes, 1 + random() % prepareBytes);
            quiet = wasQuiet_ ? quiet + 1 : 0;
            got.insert(got.end(), some.begin(), some.end());
            if (random() % 5 == 0) begin();
        }
        ASSERT_EQ(got, lines) << "seed " << seed << " prepare " << prepareBytes;
        ASSERT_TRUE(disk_.unlink(path));
        next();
    }
}

TEST_P(CompressedFiles, RecordsOfCsvAndOfFixedLengthAreTheSameAsOfPlainOnes) {
    std::string csv;
    for (int i = 0; i < 200; ++i)
        csv += std::to_string(i) + ",\"a\n" + std::string(i % 50, 'b') + "\"\n";
    for (const std::size_t batchBytes : {60u, 500u, 1u << 20}) {
        for (const bool isCsv : {true, false}) {
            options_.csv = isCsv ? std::optional(CsvRecords{}) : std::nullopt;
            options_.recordBytes = isCsv ? 0 : 7;
            const auto text = isCsv ? csv : csv.substr(0, csv.size() / 7 * 7);
            std::array<Lines, 2> got;
            for (const bool isPlain : {true, false}) {
                rows_.clear();
                begin();
                const auto path = isPlain ? "/in/plain" : name("a");
                put(path, isPlain ? text : compressed(GetParam(), text));
                got[isPlain] = rest(batchBytes, batchBytes);
                ASSERT_TRUE(disk_.unlink(path));
            }
            ASSERT_EQ(got[0].size(), got[1].size()) << batchBytes << " " << isCsv;
            ASSERT_EQ(got[0], got[1]) << batchBytes << " " << isCsv;
            ASSERT_FALSE(got[0].empty());
        }
    }
}

TEST_P(CompressedFiles, OneThatIsStillWrittenToWaitsUntilItIsWholeAndOthersGoOn) {
    const auto bytes = compressed(GetParam(), "a\nb\n");
    for (const auto size : {bytes.size() / 2, bytes.size() - 1}) {
        put(name("part"), bytes.substr(0, size));
        put(name("whole"), compressed(GetParam(), "whole\n"));
        EXPECT_EQ(rest(), Lines{"whole"});
        begin();
        EXPECT_EQ(rest(), Lines{});
        put(name("part"), bytes);
        now_.monotonic += 10min;
        EXPECT_EQ(rest(), (Lines{"a", "b"}));
        ASSERT_TRUE(disk_.unlink(name("part")) && disk_.unlink(name("whole")));
        rows_.clear();
        begin();
    }
}

TEST_P(CompressedFiles, DamageBehindWhatBatchesHaveReadWaitsForASoundCopy) {
    std::mt19937 random(5);
    const auto lines = someLines(random, 4000, 900);
    const auto bytes = compressed(GetParam(), textOf(lines));
    auto damaged = bytes;
    damaged.resize(bytes.size() * 3 / 4);
    put(name("a"), damaged);
    auto got = rest(100'000, 100'000);
    ASSERT_FALSE(got.empty());
    ASSERT_LT(got.size(), lines.size());
    put(name("b"), compressed(GetParam(), "other\n"));
    const auto other = rest();
    EXPECT_EQ(other, Lines{"other"});
    begin();
    put(name("a"), bytes);
    now_.monotonic += 10min;
    const auto behind = rest(100'000, 100'000);
    got.insert(got.end(), behind.begin(), behind.end());
    EXPECT_EQ(got, lines);
}

TEST_P(CompressedFiles, WithSkipWhatIsBehindTheDamageIsLeftOutOnceNobodyWritesAnyMore) {
    options_.onLostData = LostData::kSkip;
    begin();
    std::mt19937 random(7);
    const auto lines = someLines(random, 500, 300);
    const auto bytes = compressed(GetParam(), textOf(lines));
    put(name("a"), bytes.substr(0, bytes.size() * 3 / 4));
    const auto got = rest();
    ASSERT_LT(got.size(), lines.size());
    // A block of zstd comes whole or not at all.
    EXPECT_TRUE(GetParam() == Compression::kZstd || got.size() > 100u) << got.size();
    EXPECT_TRUE(std::equal(got.begin(), got.end(), lines.begin()));
    begin();
    EXPECT_EQ(rest(), Lines{});
}

TEST_P(CompressedFiles, ABombIsTakenInPiecesOfABatch) {
    std::string bytes;
    const auto compressor = core::Compressor::make(GetParam());
    for (int i = 0; i < 64; ++i) compressor->take(std::string(1 << 20, '0'), bytes);
    compressor->take("\nlast\n", bytes);
    compressor->finish(bytes);
    ASSERT_LT(bytes.size(), 200'000u);
    put(name("bomb"), bytes);
    Lines got;
    std::uint64_t before = 0;
    for (int i = 0; i < 200 && got.empty(); ++i) {
        const auto range = plan(1 << 20, 1 << 20);
        ASSERT_FALSE(range.empty());
        const auto piece = decodeFileRange(range)->pieces.at(0);
        ASSERT_LE(piece.end - piece.begin, 1u << 20);
        ASSERT_EQ(piece.begin, before);
        before = piece.end;
        got = read(*source_, range);
        keep();
    }
    EXPECT_EQ(got, Lines{"last"});
    EXPECT_EQ(source_->statistics().oversize, 1u);
}

TEST_P(CompressedFiles, ManySmallOnesComeInOneBatchAndAnEmptyTextHasNoLines) {
    for (int i = 0; i < 100; ++i)
        put(name("n" + std::to_string(100 + i)), compressed(GetParam(), std::to_string(i) + "\n"));
    put(name("empty"), compressed(GetParam(), ""));
    EXPECT_EQ(next().size(), 100u);
    EXPECT_EQ(rest(), Lines{});
    begin();
    EXPECT_EQ(rest(), Lines{});
}

// Of files that fit into no batch together with what else there is.
TEST_P(CompressedFiles, WhatABatchHasNoRoomForComesInTheNextOnes) {
    Lines expected;
    for (int i = 0; i < 20; ++i) {
        expected.push_back(std::to_string(100 + i) + std::string(500, 'y'));
        put(name("n" + std::to_string(100 + i)), compressed(GetParam(), expected.back() + "\n"));
    }
    auto got = rest(10'000, 700);
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, expected);
}

TEST_P(CompressedFiles, AreFoundUnderAnotherNameAndDecompressedAllTheSame) {
    std::mt19937 random(9);
    const auto lines = someLines(random, 100, 50);
    put(name("a"), compressed(GetParam(), textOf(lines)));
    const auto range = plan(200, 200);
    ASSERT_TRUE(disk_.rename(name("a"), "/in/renamed"));
    auto got = read(*source_, range);
    keep();
    begin();
    EXPECT_EQ(read(*source_, range), got);
    const auto behind = rest(200, 200);
    got.insert(got.end(), behind.begin(), behind.end());
    EXPECT_EQ(got, lines);
}

TEST_P(CompressedFiles, OneThatChangedAfterABatchChoseItStopsItByName) {
    put(name("a"), compressed(GetParam(), "one\ntwo\n"));
    const auto range = plan(1 << 20, 1 << 20);
    begin();
    now_.wall += 1s;
    put(name("a"), compressed(GetParam(), "one\ntwX\n"));
    const auto lines = read(*source_, range);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find(name("a")), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("on_lost_data"), std::string::npos) << lines[0];
}

TEST_P(CompressedFiles, TheRestOfOneThatIsGoneStopsTheJobByName) {
    std::mt19937 random(9);
    put(name("a"), compressed(GetParam(), textOf(someLines(random, 100, 50))));
    next(200, 200);
    ASSERT_TRUE(disk_.unlink(name("a")));
    begin();
    now_.monotonic += 1s;
    const auto prepared = source_->prepare(now_, 200);
    ASSERT_FALSE(prepared);
    EXPECT_NE(prepared.error().message.find(name("a")), std::string::npos);
}

}  // namespace
}  // namespace tidemill::sources
