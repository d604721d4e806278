// Files of CSV records that go on over line ends: wherever pieces end, the records are the same.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/logging.h"
#include "sources/csv_file_cut.h"
#include "sources/file_batch.h"
#include "sources/file_source.h"
#include "tests/support/csv_reference.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::sources {
namespace {

using namespace std::chrono_literals;
using Records = std::vector<std::string>;

// Quoted line ends at every distance from everything else; some quotes never close.
const std::string kText =
    "a,b\n\"c\nd\",e\r\nf\n\"\n\n\n\",x\n\"he said \"\"no\"\"\r\n\"\n0123456789012345678901234567\n"
    "5\" disk\n\"open\nis\nnot closed\never\n\"but\nthis\"\n,\"\n\"\nlast,\"ta\nil";

class CsvFiles : public ::testing::Test {
protected:
    CsvFiles() {
        core::setLogLevel(core::LogLevel::kError);
        EXPECT_TRUE(disk_.createDirectory("/in"));
        options_.directories = "/in";
        options_.existing = ExistingFiles::kTake;
        options_.csv = CsvRecords{};
    }

    void put(const std::string& path, std::string_view text) {
        auto file = disk_.open(path, core::OpenMode::kReplace);
        ASSERT_TRUE(file && (*file)->writeAt(0, text));
    }

    void begin() {
        source_ = std::make_unique<FileSource>(disk_, options_);
        core::SourceOpening opening;
        opening.firstStart = fromMillis(1'000'000);
        for (const auto& [lane, position] : rows_) opening.positions.push_back({lane, position});
        ASSERT_TRUE(source_->open(opening));
    }

    // The records of the next batch.
    Records next(std::size_t prepareBytes, std::size_t planBytes) {
        now_.wall += 1s;
        now_.monotonic += 1s;
        const auto prepared = source_->prepare(now_, prepareBytes);
        EXPECT_TRUE(prepared) << prepared.error().message;
        const auto plan = source_->plan({planBytes, 1 << 20, 2});
        EXPECT_TRUE(plan);
        for (auto& change : source_->takeChanges())
            if (change.position) rows_[change.lane] = *change.position;
            else rows_.erase(change.lane);
        Records records;
        if (plan->range.empty()) return records;
        auto range = decodeFileRange(plan->range);
        EXPECT_TRUE(range);
        pieces_ += range->pieces.size();
        FileBatch batch(*source_, std::move(*range));
        partitions_ += batch.partitions();
        const auto visited = batch.visitRecords(
            [&](std::string_view, std::string_view record) { records.emplace_back(record); });
        EXPECT_TRUE(visited) << visited.error().message;
        return records;
    }

    testing::SimulatedDisk disk_;
    FileSourceOptions options_;
    std::unique_ptr<FileSource> source_;
    std::map<std::string, std::string> rows_;
    core::Instant now_{fromMillis(1'000'000), 1h};
    std::size_t pieces_ = 0, partitions_ = 0;
};

TEST_F(CsvFiles, EveryEndOfAPieceGivesTheSameRecords) {
    for (const std::size_t max : {5, 20, 1000}) {
        const auto wanted = test::cutSlowly(kText, {}, max);
        options_.recordBytesMax = max;
        for (std::size_t limit = 1; limit <= kText.size() + 1; ++limit) {
            for (const bool anew : {false, true}) {
                rows_.clear();
                put("/in/a", kText);
                begin();
                Records records;
                for (std::size_t batches = 0; batches <= kText.size(); ++batches) {
                    const auto more = next(limit, limit);
                    records.insert(records.end(), more.begin(), more.end());
                    if (anew) begin();
                }
                ASSERT_EQ(records, wanted.records) << "limit " << limit << " max " << max;
                ASSERT_TRUE(disk_.unlink("/in/a"));
            }
        }
    }
}

TEST_F(CsvFiles, EndsOfRecordsAreFoundFromAnyPlace) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 random(seed);
        const CsvRecords csv{',', random() % 2 == 0};
        const std::size_t max = 1 + random() % 40;
        const auto text = test::randomCsv(random, 1 + random() % 200);
        put("/in/a", text);
        auto opened = disk_.open("/in/a", core::OpenMode::kRead);
        ASSERT_TRUE(opened);
        const auto file = FileText::of(std::move(*opened), Compression::kNone, max);
        const auto ends = test::cutSlowly(text, csv, max).ends;
        for (std::size_t wanted = 1; wanted < text.size(); ++wanted) {
            const auto behind = std::upper_bound(ends.begin(), ends.end(), wanted);
            const auto expected = behind == ends.begin() ? *behind : behind[-1];
            const auto end = csvRecordEnd(*file, 0, wanted, text.size(), csv, max);
            ASSERT_TRUE(end);
            ASSERT_EQ(*end, expected) << "seed " << seed << " wanted " << wanted << " max " << max;
        }
    }
}

TEST_F(CsvFiles, TheRestOfAFileThatWasReadAsLinesIsNotCutInTheMiddleOfOne) {
    options_.csv.reset();
    put("/in/a", "one,two\nthree\n");
    begin();
    EXPECT_EQ(next(3, 3), Records{"one,two"});
    options_.csv = CsvRecords{};
    begin();
    now_.monotonic += 1s;
    const auto prepared = source_->prepare(now_, 100);
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().kind, core::ErrorKind::kConflict);
    EXPECT_NE(prepared.error().message.find("offset=3; start the job as it was"), std::string::npos)
        << prepared.error().message;
}

// Three ways through the same file: batches of one size, and of all sizes in turn, which take less
// than was made ready.
TEST_F(CsvFiles, ALargeFileIsReadInPiecesByManyTasks) {
    std::mt19937 random(7);
    options_.recordBytesMax = 4096;
    const auto text = test::randomCsv(random, 20 << 20);
    const auto wanted = test::cutSlowly(text, {}, options_.recordBytesMax);
    put("/in/a", text);
    for (const int way : {0, 1, 2}) {
        rows_.clear();
        pieces_ = partitions_ = 0;
        begin();
        Records records;
        for (int i = 0; records.size() < wanted.records.size() && i < 1000; ++i) {
            const std::size_t limit = way == 0 ? 64 << 20 : (1 << 20) + random() % (12 << 20);
            const auto more = next(limit, way == 2 ? 1 + random() % limit : limit);
            records.insert(records.end(), more.begin(), more.end());
        }
        EXPECT_TRUE(next(64 << 20, 64 << 20).empty());
        ASSERT_EQ(records.size(), wanted.records.size()) << way;
        EXPECT_TRUE(records == wanted.records) << way;
        EXPECT_EQ(pieces_, partitions_);
        EXPECT_TRUE(way != 0 || pieces_ == 3) << pieces_;
    }
}

// The last piece is shorter than what is hashed of a piece's end.
TEST_F(CsvFiles, AFileOfSeveralPiecesThatGrewIsReadAgainAsItWas) {
    std::string text;
    while (text.size() < FileSource::kCsvPieceBytes + 100) text += "a,\"b\n\"\n";
    put("/in/a", text);
    begin();
    now_.wall += 1s;
    ASSERT_TRUE(source_->prepare(now_, 64 << 20));
    const auto plan = source_->plan({64 << 20, 1 << 20, 2});
    ASSERT_TRUE(plan);
    ASSERT_EQ(decodeFileRange(plan->range)->pieces.size(), 2u);
    put("/in/a", text + "more\n");
    std::size_t records = 0;
    const auto visited =
        source_->visitRecords(plan->range, [&](std::string_view, std::string_view) { ++records; });
    ASSERT_TRUE(visited) << visited.error().message;
    EXPECT_EQ(records, text.size() / std::string_view("a,\"b\n\"\n").size());
}

}  // namespace
}  // namespace tidemill::sources
