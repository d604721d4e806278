// Streams whose input is read again instead of logged: files, and text in memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "tests/support/batch_harness.h"

namespace tidemill::test {
namespace {

namespace fs = std::filesystem;
using Seen = std::map<std::uint64_t, std::vector<std::string>>;
using Lines = std::vector<std::string>;

// Batches come every second, the first of a new directory at `kStart` + 1 s.
constexpr std::int64_t kStart = 1'000'000'000;

class FileStreams : public ::testing::Test {
protected:
    FileStreams() { fs::create_directory(incoming()); }

    fs::path incoming() const { return directory_ / "incoming"; }

    // Puts a complete file there, modified `millis` behind kStart.
    void put(const fs::path& name, std::string_view text, std::int64_t millis) const {
        const auto path = incoming() / name;
        std::ofstream(path, std::ios::binary) << text;
        const std::int64_t at = kStart + millis;
        const timespec times[2] = {{at / 1000, at % 1000 * 1'000'000}, {at / 1000, at % 1000 * 1'000'000}};
        ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }

    StreamingOptions durable(unsigned workers = 2) const {
        StreamingOptions options;
        options.directory = directory_ / "data";
        options.workers = workers;
        return options;
    }

    // A life that begins `millis` behind kStart; `between(i)` runs before its i-th batch.
    void live(StreamingOptions options, std::int64_t millis, std::size_t batches, bool graceful = true,
              const std::function<void(std::size_t)>& between = {}) {
        Life life(std::move(options), fromMillis(kStart + millis));
        life.collect(stream_(life.context()), seen_);
        life.start();
        for (std::size_t i = 0; i < batches; ++i) {
            if (between) between(i);
            life.run(1);
        }
        life.context().stop(graceful);
    }

    std::string failureOfLife(std::int64_t millis, std::size_t batches) {
        try {
            live(durable(), millis, batches);
        } catch (const StreamingError& error) {
            return error.what();
        }
        return "";
    }

    TemporaryDirectory directory_;
    Seen seen_;
    std::function<DStream<std::string_view>(StreamingContext&)> stream_ =
        [this](StreamingContext& context) { return context.textFileStream(incoming().string()); };
};

TEST_F(FileStreams, EachFileIsTakenOnceWhenItsTimeHasCome) {
    put("a", "one\ntwo\r\n", 500);
    put("later", "three", 1500);
    live(inMemory(), 0, 4, true, [&](std::size_t i) {
        if (i == 2) put("b", "four\n", 2800);
    });
    EXPECT_EQ(seen_[1], (Lines{"one", "two"}));
    EXPECT_EQ(seen_[2], (Lines{"three"}));
    EXPECT_EQ(seen_[3], (Lines{"four"}));
    EXPECT_EQ(seen_[4], Lines());
}

TEST_F(FileStreams, HiddenOldAndLateFilesFollowTheRule) {
    put(".hidden", "hidden\n", 500);
    put("old", "old\n", 1000 - 60'000);          // (batch - 60 s, batch]: just outside
    put("young", "young\n", 1001 - 60'000);      // just inside
    put("now", "now\n", 1000);
    live(inMemory(), 0, 1);
    EXPECT_EQ(seen_[1], (Lines{"now", "young"}));
}

TEST_F(FileStreams, AfterADowntimeFilesSinceTheLastBatchAreTaken) {
    put("a", "a\n", 500);
    live(durable(), 0, 2);
    put("meanwhile", "meanwhile\n", 100'000);
    put("b", "b\n", 500'000);
    put("too old", "too old\n", 2000 - 60'000);
    live(durable(), 500'000, 2);
    EXPECT_EQ(seen_[3], (Lines{"b", "meanwhile"}));
    EXPECT_EQ(seen_[4], Lines());
}

TEST_F(FileStreams, DirectoriesMayBeAGlobPattern) {
    for (const char* day : {"day-1", "day-2", "night"}) {
        fs::create_directory(incoming() / day);
        put(incoming() / day / "file", std::string(day) + "\n", 500);
    }
    stream_ = [this](StreamingContext& context) {
        return context.textFileStream((incoming() / "day-*").string());
    };
    live(inMemory(), 0, 1);
    EXPECT_EQ(seen_[1], (Lines{"day-1", "day-2"}));
}

TEST_F(FileStreams, ALargeFileIsCutIntoPartitionsAtLineEnds) {
    std::string text;
    std::size_t lines = 0;
    while (text.size() < (20u << 20)) {
        text += std::to_string(lines) + std::string(lines % 977, 'x') + "\n";
        ++lines;
    }
    put("large", text, 500);
    std::size_t counted = 0, bytes = 0;
    Life life(inMemory(), fromMillis(kStart));
    stream_(life.context()).forEachBatch([&](Batch<std::string_view>& batch) {
        batch.forEach([&](std::string_view line) {
            ++counted;
            bytes += line.size() + 1;
        });
    });
    life.start();
    life.run(1);
    life.context().stop();
    EXPECT_EQ(counted, lines);
    EXPECT_EQ(bytes, text.size());
}

TEST_F(FileStreams, WhatDoesNotFitWaitsAndIsNotForgottenByACrash) {
    auto small = durable();
    small.maxBatchBytes = 10;
    for (int i = 0; i < 6; ++i) put("f" + std::to_string(i), "line " + std::to_string(i) + "\n", 500);
    live(small, 0, 2, false);
    small.workers = 7;
    live(small, 200'000, 5);
    std::multiset<std::string> all;
    for (const auto& [id, lines] : seen_) all.insert(lines.begin(), lines.end());
    EXPECT_EQ(all, (std::multiset<std::string>{"line 0", "line 1", "line 2", "line 3", "line 4",
                                               "line 5"}));
    EXPECT_EQ(seen_[1], (Lines{"line 0"}));
}

TEST_F(FileStreams, AReplayReadsTheSameFilesAndStopsByNameWhenOneIsGoneOrDiffers) {
    stream_ = [this](StreamingContext& context) {
        auto lines = context.textFileStream(incoming().string());
        lines.map([](std::string_view line) { return std::pair<std::string, int>(line, 1); })
            .runningTotals("totals");
        return lines;
    };
    put("a", "a\n", 500);
    live(durable(), 0, 1, false);
    // No checkpoint yet: the next start replays the batch.
    fs::rename(incoming() / "a", incoming() / ".a");
    EXPECT_NE(failureOfLife(1000, 1).find((incoming() / "a").string()), std::string::npos);
    put("a", "aa\n", 500);
    EXPECT_NE(failureOfLife(1000, 1).find("size_now=3"), std::string::npos);
    put("a", "a\n", 500);
    seen_.clear();
    EXPECT_EQ(failureOfLife(1000, 1), "");
    EXPECT_EQ(seen_[1], (Lines{"a"}));
    EXPECT_EQ(seen_[2], Lines());
}

TEST_F(FileStreams, ADirectoryThatComesLaterIsWaitedFor) {
    fs::remove(incoming());
    live(inMemory(), 0, 2, true, [&](std::size_t i) {
        if (i == 0) return;
        fs::create_directory(incoming());
        put("a", "a\n", 1500);
    });
    EXPECT_EQ(seen_[2], (Lines{"a"}));
}

TEST_F(FileStreams, BinaryRecordsHaveTheirLength) {
    stream_ = [this](StreamingContext& context) {
        return context.binaryRecordsStream(incoming().string(), 3);
    };
    put("a", std::string("abc\n\0f", 6), 500);
    live(inMemory(), 0, 1);
    EXPECT_EQ(seen_[1], (Lines{"\\x0a\\x00f", "abc"}));
    put("b", "defg", 1500);
    EXPECT_NE(failureOfLife(1000, 1).find("size=4 record_length=3"), std::string::npos);
    StreamingContext context(inMemory());
    EXPECT_THROW(context.binaryRecordsStream("x", 0), std::invalid_argument);
}

TEST_F(FileStreams, ATextInMemoryGoesOnBehindACheckpoint) {
    const std::string text = "one\ntwo\nthree\nfour\n";
    stream_ = [&](StreamingContext& context) { return context.memoryTextStream(text, 4); };
    live(durable(), 0, 2);
    live(durable(), 2000, 3);
    EXPECT_EQ(seen_[2], (Lines{"two"}));
    EXPECT_EQ(seen_[3], (Lines{"three"}));
    EXPECT_EQ(seen_[4], (Lines{"four"}));
    EXPECT_EQ(seen_[5], Lines());
}

}  // namespace
}  // namespace tidemill::test
