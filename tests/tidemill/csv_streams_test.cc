// Streams of CSV records that go on over line ends, on one to several workers, over kills.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/batch_harness.h"
#include "tests/support/csv_reference.h"
#include "tests/support/test_client.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using Seen = std::map<std::uint64_t, std::vector<std::string>>;
using Records = std::vector<std::string>;
using ::testing::HasSubstr;

constexpr std::size_t kRecordBytesMax = 2000;

class CsvStreams : public ::testing::Test {
protected:
    CsvStreams() { fs::create_directory(directory_ / "in"); }

    StreamingOptions options(unsigned workers) const {
        StreamingOptions options;
        options.directory = directory_ / ("data" + std::to_string(workers));
        options.workers = workers;
        options.maxRecordBytes = kRecordBytesMax;
        options.blockBytes = 64 << 10;
        return options;
    }

    Records all() const {
        Records records;
        for (const auto& [id, of] : seen_) records.insert(records.end(), of.begin(), of.end());
        std::sort(records.begin(), records.end());
        return records;
    }

    static Records expected(std::string_view text) {
        Records records;
        for (const auto& record : cutSlowly(text, {}, kRecordBytesMax).records) {
            records.emplace_back();
            core::appendElement(records.back(), record);
        }
        std::sort(records.begin(), records.end());
        return records;
    }

    // Records are counted in state too, so that recorded batches are replayed.
    void follow(Life& life, const DStream<std::string_view>& records) {
        life.collect(records, seen_);
        records.map([](std::string_view record) { return std::pair<std::string, int>(record, 1); })
            .runningTotals("totals");
    }

    TemporaryDirectory directory_;
    Seen seen_;
};

TEST_F(CsvStreams, FilesGiveTheRecordsOfANaiveParser) {
    std::mt19937 random(3);
    const auto text = randomCsv(random, 9 << 20) + "\"tail\n";
    std::ofstream(directory_ / "in/a", std::ios::binary) << text;
    const auto wanted = expected(text);
    for (const unsigned workers : {1u, 2u, 4u}) {
        seen_.clear();
        auto given = options(workers);
        given.maxBatchBytes = 3 << 20;
        std::uint64_t counted = 0;
        for (int life = 0; life < 5 && all().size() < wanted.size(); ++life) {
            Life lived(given, fromMillis(1'000'000'000 + life * 100'000));
            FileStreamOptions files;
            files.existing = ExistingFiles::kTake;
            files.csv = CsvRecords{};
            follow(lived, lived.context().textFileStream((directory_ / "in").string(), files));
            lived.start();
            lived.run(2);
            lived.context().stop(life % 2 == 1);  // else as a kill would leave it
            counted += lived.context().status().sources[0].statistics.records;
        }
        EXPECT_TRUE(all() == wanted) << all().size() << " of " << wanted.size();
        EXPECT_EQ(counted, wanted.size());
    }
}

TEST_F(CsvStreams, RecordsAreCountedThoughNobodyWantsThemAll) {
    std::ofstream(directory_ / "in/a") << "1,\"a\nb\"\n2,c\n3,d\n4,e\n";
    Life life(options(1), fromMillis(1'000'000'000));
    FileStreamOptions files;
    files.existing = ExistingFiles::kTake;
    files.csv = CsvRecords{};
    std::vector<std::string_view> first;
    life.context()
        .textFileStream((directory_ / "in").string(), files)
        .forEachBatch([&](Batch<std::string_view>& batch) { first = batch.take(1); });
    life.start();
    life.run(1);
    EXPECT_EQ(life.context().status().sources[0].statistics.records, 4u);
    EXPECT_EQ(life.context().status().batches.records, 4u);
    life.context().stop();
}

TEST_F(CsvStreams, SocketsGiveTheRecordsOfANaiveParser) {
    std::mt19937 random(4);
    for (const unsigned workers : {1u, 3u}) {
        seen_.clear();
        Records wanted;
        for (int life = 0; life < 3; ++life) {
            Life lived(options(workers), fromMillis(1'000'000'000 + life * 100'000));
            ListenOptions listen;
            listen.csv = CsvRecords{};
            follow(lived, lived.context().listenTextStream("127.0.0.1", 0, listen));
            lived.start();
            // Its last record ends with the connection.
            const std::string text = randomCsv(random, 700'000) + "\"\nopen";
            TestClient client(lived.context().boundPorts().at(0));
            client.send(text);
            client.finishSending();
            const auto records = cutSlowly(text + "\n", {}, kRecordBytesMax);
            const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
            while (lived.context().status().sources.at(0).statistics.records <
                   records.records.size()) {
                ASSERT_LT(std::chrono::steady_clock::now(), until);
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
            EXPECT_EQ(lived.context().status().sources.at(0).statistics.oversize, records.tooLong);
            lived.run(1);
            const auto more = expected(text + "\n");
            wanted.insert(wanted.end(), more.begin(), more.end());
            lived.context().stop(life == 2);
        }
        // Each connection's records began anew.
        std::sort(wanted.begin(), wanted.end());
        EXPECT_TRUE(all() == wanted) << all().size() << " of " << wanted.size();
    }
}

TEST_F(CsvStreams, ASessionsRecordsAreLines) {
    StreamingContext context{options(1)};
    ListenOptions listen;
    listen.csv = CsvRecords{};
    EXPECT_THROW(context.acknowledgedTextStream("127.0.0.1", 0, listen), std::invalid_argument);
    listen.csv->separator = '"';
    EXPECT_THROW(context.listenTextStream("127.0.0.1", 0, listen), std::invalid_argument);
}

// What the log holds was cut another way: a batch that was recorded, or records that wait for one.
TEST_F(CsvStreams, AnotherCutIsAnotherJob) {
    const auto live = [&](const std::optional<CsvRecords>& csv, const std::string& text,
                          std::size_t batches) -> std::string {
        Life life(options(1), fromMillis(1'000'000'000));
        try {
            ListenOptions listen;
            listen.csv = csv;
            follow(life, life.context().listenTextStream("127.0.0.1", 0, listen));
            life.start();
            if (!text.empty()) {
                TestClient client(life.context().boundPorts().at(0));
                client.send(text);
                client.finishSending();
                const auto& sources = [&] { return life.context().status().sources; };
                EXPECT_TRUE(eventually([&] { return sources().at(0).statistics.records != 0; }));
            }
            life.run(batches);
            life.context().stop(false);
            life.context().awaitTermination();
        } catch (const StreamingError& error) {
            return error.what();
        }
        return "";
    };
    const std::optional<CsvRecords> commas = CsvRecords{}, lines;
    EXPECT_EQ(live(commas, "a,\"b\nc\"\n", 1), "");
    EXPECT_THAT(live(CsvRecords{';', false}, "", 0), HasSubstr("stop it gracefully"));
    EXPECT_THAT(live(lines, "", 0), HasSubstr("stop it gracefully"));
    for (const bool beginsWithLines : {false, true}) {
        std::filesystem::remove_all(directory_ / "data1");
        EXPECT_EQ(live(beginsWithLines ? lines : commas, "some,\"words\"\n", 0), "");
        EXPECT_THAT(live(beginsWithLines ? commas : lines, "", 1),
                    HasSubstr("start the job that received it, stop it gracefully"));
        EXPECT_EQ(live(beginsWithLines ? lines : commas, "", 1), "");
    }
}

}  // namespace
}  // namespace tidemill::test
