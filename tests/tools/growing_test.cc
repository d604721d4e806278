// Outputs that write one file after the other: `growing`, `rotate`, `keep`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/batch_harness.h"
#include "tests/support/compressed.h"
#include "tests/support/fault_file_system.h"
#include "tools/job_file.h"
#include "tools/job_plan.h"

namespace tidemill::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Lines = std::vector<std::string>;
using Fault = testing::FaultFileSystem::Fault;

class GrowingTest : public ::testing::Test {
protected:
    std::string jobText(const std::string& growing) const {
        return "[job]\nname = \"j\"\n"
               "[[source]]\nname = \"lines\"\ntype = \"listen\"\nport = 0\n"
               "[[step]]\ndo = \"fields\"\nby = \"split\"\nfields = " +
               fields_ +
               "\n"
               "[[output]]\nto = \"csv\"\npath = \"" +
               (directory_ / "out").string() + "\"\n" + growing;
    }

    // One life of the job on these batches; answers what kept it from starting or ended it. With
    // `fault`, its files fail so from the `atChange`th change on that its batches make.
    std::string live(const std::vector<Lines>& inputs, bool graceful, const std::string& growing,
                     Fault fault = Fault::kNone, std::uint64_t atChange = 0) {
        auto job = parseJobFile(jobText(growing), "job.toml");
        if (!job) return job.error().message;
        job->options.directory = directory_ / "data";
        job->options.checkpointInterval = Duration(1'000'000'000);
        const auto files = std::make_shared<testing::FaultFileSystem>(core::posixFileSystem());
        job->options.files = files;
        test::Life life(job->options, fromMillis(1000 * batches_));
        RecordQueue<std::string> queue;
        for (const auto& input : inputs) queue.push(input);
        const auto lines = life.context().queueStream(queue).map(
            [](const std::string& line) { return std::string_view(line); });
        const auto planned = planJob(*job, life.context(), {{"lines", lines}});
        if (!planned) return planned.error().message;
        completed_ = 0;
        std::string ended;
        try {
            life.start();
            if (fault != Fault::kNone) files->arm(fault, atChange);
            for (std::size_t i = 0; i < inputs.size() && !life.ended(); ++i) {
                life.run(1);
                if (!life.ended()) ++completed_;
            }
            life.context().stop(graceful);
            life.context().awaitTermination();
        } catch (const std::exception& error) {
            ended = error.what();
        }
        fired_ = files->fired();
        batches_ += static_cast<std::int64_t>(inputs.size());
        return ended;
    }

    static std::string nameOf(std::size_t batch) {
        char name[40];
        std::snprintf(name, sizeof name, "%020zu.csv", batch);
        return name;
    }
    // "-": there is no such file.
    std::string fileOf(std::size_t batch) const {
        std::ifstream in(directory_ / "out" / nameOf(batch));
        if (!in) return "-";
        std::stringstream text;
        text << in.rdbuf();
        return text.str();
    }

    // What all files hold, the oldest first.
    Lines written() const {
        std::vector<fs::path> paths;
        for (const auto& entry : fs::directory_iterator(directory_ / "out"))
            if (entry.path().filename().string().find(".csv") != std::string::npos)
                paths.push_back(entry.path());
        std::sort(paths.begin(), paths.end());
        Lines lines;
        for (const auto& path : paths) {
            std::stringstream bytes;
            bytes << std::ifstream(path).rdbuf();
            const auto compression = core::compressionOf(path.string());
            std::istringstream in(compression == Compression::kNone
                                      ? bytes.str()
                                      : test::decompressed(compression, bytes.str()));
            for (std::string line; std::getline(in, line);) {
                EXPECT_FALSE(in.eof()) << path << ": half a line: " << line;
                if (line != "word\r") lines.push_back(line.substr(0, line.size() - 1));
            }
        }
        return lines;
    }

    test::TemporaryDirectory directory_;
    std::int64_t batches_ = 0;
    std::string fields_ = "{word = 1}";
    std::size_t completed_ = 0;  // batches of the last life
    bool fired_ = false;         // its fault
};

TEST_F(GrowingTest, OneFileTakesBatchAfterBatch) {
    ASSERT_EQ(live({{"a"}, {}, {"b", "c"}}, true, "growing = true\n"), "");
    EXPECT_EQ(fileOf(1), "word\r\na\r\nb\r\nc\r\n");
    ASSERT_EQ(live({{"d"}}, true, "growing = true\n"), "");
    EXPECT_EQ(fileOf(1), "word\r\na\r\nb\r\nc\r\nd\r\n");
    EXPECT_EQ(fileOf(4), "-");
}

TEST_F(GrowingTest, WhatABatchHadWrittenBeforeACrashIsCutOff) {
    ASSERT_EQ(live({{"a"}, {"b"}}, false, "growing = true\n"), "");
    // As if the crash had come before the batch was known to be published.
    fs::remove(directory_ / "out" / ".tidemill");
    std::ofstream(directory_ / "out" / nameOf(1), std::ios::app) << "half a li";
    ASSERT_EQ(live({{"c"}}, true, "growing = true\n"), "");
    EXPECT_EQ(fileOf(1), "word\r\na\r\nb\r\nc\r\n");
}

TEST_F(GrowingTest, TheNextFileBeginsAtASizeAndOldOnesGo) {
    const std::string growing = "growing = true\nrotate = \"1KiB\"\nkeep = 2\n";
    const std::string large(1500, 'x');
    ASSERT_EQ(live({{large}, {"b"}, {large}, {"d"}, {"e"}}, true, growing), "");
    EXPECT_EQ(fileOf(1), "-");
    EXPECT_EQ(fileOf(2), "word\r\nb\r\n" + large + "\r\n");
    EXPECT_EQ(fileOf(4), "word\r\nd\r\ne\r\n");
}

TEST_F(GrowingTest, TheNextFileBeginsAtAnAge) {
    ASSERT_EQ(live({{"a"}, {"b"}, {"c"}}, true, "growing = true\nrotate_every = \"2s\"\n"), "");
    EXPECT_EQ(fileOf(1), "word\r\na\r\nb\r\n");
    EXPECT_EQ(fileOf(3), "word\r\nc\r\n");
}

// Every change to a file that the batches make, the log's included, is once the last: each batch is
// there once, whole and in order, and so are those that come after.
TEST_F(GrowingTest, EachBatchIsThereOnceWhereverTheProcessDies) {
    for (const std::string growing : {"growing = true\n", "growing = true\nrotate = \"1KiB\"\n",
                                      "growing = true\ncompress = \"gzip\"\n",
                                      "growing = true\nrotate = \"1KiB\"\ncompress = \"zstd\"\n"}) {
        std::uint64_t at = 1;
        for (;; ++at) {
            fs::remove_all(directory_ / "data");
            fs::remove_all(directory_ / "out");
            batches_ = 0;
            const std::string a = "a" + std::string(700, 'a'), b = "b" + std::string(700, 'b');
            live({{a}, {b}, {"c", "d"}, {"e"}}, false, growing, Fault::kCrash, at);
            const bool fired = fired_;
            const auto completed = completed_;
            ASSERT_EQ(live({{"z"}}, true, growing), "") << growing << "change " << at;
            // Logged batches come, whether they had completed or not.
            Lines found = written();
            ASSERT_FALSE(found.empty());
            ASSERT_EQ(found.back(), "z") << growing << "change " << at;
            found.pop_back();
            const Lines all = {a, b, "c", "d", "e"};
            constexpr std::size_t kAfter[] = {0, 1, 2, 4, 5};
            ASSERT_GE(found.size(), kAfter[completed]);
            ASSERT_NE(std::find(std::begin(kAfter), std::end(kAfter), found.size()),
                      std::end(kAfter))
                << growing << "change " << at << ": a part of a batch";
            ASSERT_TRUE(std::equal(found.begin(), found.end(), all.begin()))
                << growing << "change " << at << ": " << ::testing::PrintToString(found);
            if (!fired) break;
        }
        EXPECT_GT(at, 20u);  // four batches make more changes than that
    }
}

TEST_F(GrowingTest, ADiskThatIsFullForAWhileLosesAndDoublesNothing) {
    const std::string growing = "growing = true\n";
    for (std::uint64_t at = 1;; ++at) {
        fs::remove_all(directory_ / "data");
        fs::remove_all(directory_ / "out");
        batches_ = 0;
        live({{"a"}, {"b"}, {"c"}}, false, growing, Fault::kErrorOnce, at);
        const bool fired = fired_;
        ASSERT_EQ(live({{"z"}}, true, growing), "") << "change " << at;
        const Lines found = written(), all = {"a", "b", "c"};
        ASSERT_EQ(found.back(), "z") << "change " << at;
        ASSERT_TRUE(std::equal(found.begin(), found.end() - 1, all.begin()))
            << "change " << at << ": " << ::testing::PrintToString(found);
        if (!fired) break;
    }
}

// Nothing but what the batch that runs again has written may go.
TEST_F(GrowingTest, FilesOfOtherBatchesStayWhenTheNewestWasTakenAway) {
    const std::string growing = "growing = true\nrotate_every = \"1s\"\n";
    ASSERT_EQ(live({{"a"}, {"b"}, {}}, false, growing), "");
    fs::rename(directory_ / "out" / nameOf(2), directory_ / "taken.csv");
    ASSERT_EQ(live({{}}, false, growing), "");
    ASSERT_EQ(live({{"c"}}, true, growing), "");
    EXPECT_EQ(fileOf(1), "word\r\na\r\n");
    EXPECT_EQ(fileOf(5), "word\r\nc\r\n");
}

TEST_F(GrowingTest, AFileThatIsTakenAwayWhileTheJobRunsIsFollowedByAnother) {
    auto job = parseJobFile(jobText("growing = true\n"), "job.toml");
    ASSERT_TRUE(job) << job.error().message;
    job->options.directory = directory_ / "data";
    test::Life life(job->options);
    RecordQueue<std::string> queue;
    for (const char* word : {"a", "b"}) queue.push(Lines{word});
    const auto lines = life.context().queueStream(queue).map(
        [](const std::string& line) { return std::string_view(line); });
    ASSERT_TRUE(planJob(*job, life.context(), {{"lines", lines}}));
    life.start();
    life.run(1);
    fs::rename(directory_ / "out" / nameOf(1), directory_ / "taken.csv");
    life.run(1);
    life.context().stop(true);
    life.context().awaitTermination();
    EXPECT_EQ(fileOf(2), "word\r\nb\r\n");
}

TEST_F(GrowingTest, OtherColumnsBeginAnotherFile) {
    ASSERT_EQ(live({{"a x"}}, true, "growing = true\n"), "");
    fields_ = "{word = 1, other = 2}";
    ASSERT_EQ(live({{"b y"}}, true, "growing = true\n"), "");
    EXPECT_EQ(fileOf(1), "word\r\na\r\n");
    EXPECT_EQ(fileOf(2), "word,other\r\nb,y\r\n");
}

TEST_F(GrowingTest, ACompressedFileGoesOnInAnotherLifeAndBeginsAnotherForOtherColumns) {
    for (const std::string compress : {"gzip", "zstd"}) {
        fs::remove_all(directory_ / "data");
        fs::remove_all(directory_ / "out");
        batches_ = 0;
        fields_ = "{word = 1}";
        const std::string growing = "growing = true\ncompress = \"" + compress + "\"\n";
        ASSERT_EQ(live({{"a x"}, {"b x"}}, true, growing), "");
        ASSERT_EQ(live({{"c x"}}, true, growing), "");
        EXPECT_EQ(written(), (Lines{"a", "b", "c"}));
        const auto suffix = compress == "gzip" ? ".gz" : ".zst";
        EXPECT_TRUE(fs::exists(directory_ / "out" / (nameOf(1) + suffix)));
        EXPECT_FALSE(fs::exists(directory_ / "out" / (nameOf(3) + suffix)));
        fields_ = "{word = 1, other = 2}";
        ASSERT_EQ(live({{"d x"}}, true, growing), "");
        EXPECT_TRUE(fs::exists(directory_ / "out" / (nameOf(4) + suffix)));
    }
}

TEST_F(GrowingTest, AFileThatIsShorterThanBeforeTheBatchIsRefused) {
    ASSERT_EQ(live({{"a"}, {"b"}}, false, "growing = true\n"), "");
    fs::remove(directory_ / "out" / ".tidemill");
    fs::resize_file(directory_ / "out" / nameOf(1), 3);
    EXPECT_THAT(live({{"c"}}, true, "growing = true\n"),
                HasSubstr("has 3 bytes, but had 9 before batch 2"));
}

TEST_F(GrowingTest, WhatDoesNotFitIsSaid) {
    EXPECT_THAT(live({}, true, "keep = 3\n"), HasSubstr("keep is about a file that grows"));
    EXPECT_THAT(live({}, true, "growing = true\nempty_batches = true\n"),
                HasSubstr("no empty_batches"));
}

}  // namespace
}  // namespace tidemill::tools
