// Streams whose input is read again instead of logged: files, and text in memory.
#include "tests/tidemill/file_streams.h"

namespace tidemill::test {
namespace {

TEST_F(FileStreams, EachFileIsTakenOnceWhateverItsTime) {
    put("a", "one\ntwo\r\n", 500);
    put("later", "three", 1500);
    live(inMemory(), 0, 4, true, [&](std::size_t i) {
        if (i == 2) put("b", "four\n", 2800);
    });
    EXPECT_EQ(seen_[1], (Lines{"one", "three", "two"}));
    EXPECT_EQ(seen_[2], Lines());
    EXPECT_EQ(seen_[3], (Lines{"four"}));
    EXPECT_EQ(seen_[4], Lines());
}

TEST_F(FileStreams, HiddenAndTemporaryNamesAreNotSeenAndOldFilesAreLeft) {
    put(".hidden", "hidden\n", 500);
    put("half.tmp", "half\n", 500);
    put("old", "old\n", -60'001);
    put("young", "young\n", -59'000);
    put("years ahead", "ahead\n", 10'000'000'000);
    fs::create_directory(incoming() / "directory");
    ASSERT_EQ(::mkfifo((incoming() / "pipe").c_str(), 0600), 0);
    fs::create_symlink("nowhere", incoming() / "dangling");
    live(durable(), 0, 2);
    EXPECT_EQ(seen_[1], (Lines{"ahead", "young"}));
    EXPECT_EQ(seen_[2], Lines());
    put("old, moved in later", "later\n", -1'000'000);
    fs::rename(incoming() / "half.tmp", incoming() / "half");
    live(durable(), 2000, 2);
    EXPECT_EQ(seen_[3], (Lines{"half", "later"})) << "what is not known is new";
    EXPECT_EQ(seen_[4], Lines());
}

TEST_F(FileStreams, OldFilesAreTakenWhenTheyAreWanted) {
    for (const char* name : {"a", "b"}) put(name, name, -100'000'000);
    options_.existing = ExistingFiles::kTake;
    live(durable(), 0, 2);
    EXPECT_EQ(seen_[1], (Lines{"a", "b"}));
    live(durable(), 2000, 1);
    EXPECT_EQ(seen_[3], Lines());
}

TEST_F(FileStreams, AKillBeforeTheFirstBatchAndADowntimeLeaveNothingBehind) {
    put("old", "old\n", -100'000);
    live(durable(), 0, 0, false);
    put("a", "a\n", 500);
    live(durable(), 10'000'000, 1, false);
    EXPECT_EQ(seen_[1], (Lines{"a"}));
    put("b", "b\n", 500);
    live(durable(), 20'000'000, 1, false);
    EXPECT_EQ(seen_[2], (Lines{"b"}));
}

TEST_F(FileStreams, AfterADowntimeAllThatCameIsTakenWhateverTheClock) {
    put("a", "a\n", 500);
    live(durable(), 0, 2);
    put("meanwhile", "meanwhile\n", 100'000);
    put("long ago", "long ago\n", -900'000'000);
    live(durable(), 500'000, 2);
    EXPECT_EQ(all(), (Lines{"a", "long ago", "meanwhile"}));
    put("back", "back\n", 0);
    live(durable(), -300'000, 2);  // the clock was set back
    EXPECT_EQ(all(), (Lines{"a", "back", "long ago", "meanwhile"}));
}

TEST_F(FileStreams, AnEmptyFileWaitsForContentHoweverLong) {
    put("slow", "", 500);
    put("slower", "", -200'000'000);
    live(durable(), 0, 70, true, [&](std::size_t i) {
        if (i == 65) put("slow", "slow\n", 500);
    });
    EXPECT_EQ(seen_[66], (Lines{"slow"}));
    put("slower", "slower\n", 500);
    live(durable(), 80'000, 1);
    EXPECT_EQ(seen_[71], (Lines{"slower"}));
}

TEST_F(FileStreams, OneFileOfSeveralNamesAndTimesCountsOnce) {
    put("a", "a\n", 500);
    fs::create_hard_link(incoming() / "a", incoming() / "b");
    live(durable(), 0, 2, false, [&](std::size_t i) {
        if (i == 1) fs::rename(incoming() / "a", incoming() / "c");
    });
    fs::rename(incoming() / "b", incoming() / "d");
    fs::create_hard_link(incoming() / "d", incoming() / "e");
    put("d", "a\n", 900);  // touched
    live(durable(), 100'000, 2);
    EXPECT_EQ(all(), (Lines{"a"}));
    // Another file under a name that was taken is new.
    put("new", "b\n", 500);
    fs::rename(incoming() / "new", incoming() / "d");
    live(durable(), 200'000, 2);
    EXPECT_EQ(all(), (Lines{"a", "b"}));
}

TEST_F(FileStreams, AFileThatGrowsStopsNothingAndIsNotReadAgain) {
    stream_ = totals();
    put("log", "one\n", 500);
    put("other", "other\n", 500);
    live(durable(), 0, 1, false);
    // Before the replay, while running, and behind a checkpoint.
    append("log", "two\n");
    live(durable(), 1000, 3, false, [&](std::size_t) { append("log", "three\n"); });
    append("log", "four\n");
    live(durable(), 100'000, 2);
    append("log", "five\n");
    live(durable(), 200'000, 2);
    EXPECT_EQ(all(), (Lines{"one", "other"}));
}

TEST_F(FileStreams, WhatComesWhenItWasForgottenIsNew) {
    for (int i = 0; i < 50; ++i) put("f" + std::to_string(i), "x\n", 500);
    live(durable(), 0, 1);
    for (int i = 0; i < 50; ++i) fs::remove(incoming() / ("f" + std::to_string(i)));
    auto longer = durable();
    longer.interval = Duration(700'000);
    live(longer, 2000, 3);
    put("f1", "again\n", 500);
    live(durable(), 100'000'000, 1);
    EXPECT_EQ(all().size(), 51u);
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

TEST_F(FileStreams, AReplayReadsTheSameFilesAndStopsByNameWhenOneIsGoneOrDiffers) {
    stream_ = totals();
    put("a", "a\n", 500);
    live(durable(), 0, 1, false);
    // No checkpoint yet: the next start replays the batch.
    fs::rename(incoming() / "a", incoming() / ".a");
    const auto gone = failureOfLife(1000, 1);
    EXPECT_NE(gone.find((incoming() / "a").string()), std::string::npos) << gone;
    EXPECT_NE(gone.find("on_lost_data"), std::string::npos) << gone;
    put("a", "aa\n", 500);
    EXPECT_NE(failureOfLife(1000, 1).find("size_now=3"), std::string::npos);
    put("a", "b\n", 500);
    EXPECT_NE(failureOfLife(1000, 1).find("changed"), std::string::npos);
    put("a", "a\n", 700);
    seen_.clear();
    EXPECT_EQ(failureOfLife(1000, 1), "");
    EXPECT_EQ(seen_[1], (Lines{"a"}));
    EXPECT_EQ(seen_[2], Lines()) << "the file that stands in is no new one";
}

TEST_F(FileStreams, ARenamedFileIsFoundByAReplay) {
    stream_ = totals();
    put("a", "a\n", 500);
    live(durable(), 0, 1, false);
    fs::rename(incoming() / "a", incoming() / "b");
    seen_.clear();
    EXPECT_EQ(failureOfLife(1000, 1), "");
    EXPECT_EQ(all(), (Lines{"a"}));
}

TEST_F(FileStreams, LostBytesAreSkippedWhenThatIsWanted) {
    stream_ = totals();
    put("a", "a\n", 500);
    put("b", "b\n", 500);
    live(durable(), 0, 1, false);
    fs::remove(incoming() / "a");
    EXPECT_NE(failureOfLife(1000, 1), "");
    options_.onLostData = LostData::kSkip;
    seen_.clear();
    live(durable(), 1000, 1);
    EXPECT_EQ(all(), (Lines{"b"}));
    options_.onLostData = LostData::kStop;
    live(durable(), 2000, 1);
}

TEST_F(FileStreams, LinesThatAreTooLongAreLeftOutAndCounted) {
    const std::string longest(100, 'l');
    std::string text = "short\n" + longest + "\n" + longest + "\r\n" + longest + "!\n";
    text += std::string(5000, 'x') + "\nend\n" + longest + "m\n" + std::string(300, 'y');
    for (const std::size_t batchBytes : {64u, 256u, 1u << 20}) {
        seen_.clear();
        fs::remove(incoming() / "a");
        put("a", text, 500);
        auto options = inMemory();
        options.maxRecordBytes = 100;
        options.maxBatchBytes = batchBytes;
        Life life(options, fromMillis(kStart));
        life.collect(stream_(life.context()), seen_);
        life.start();
        life.run(text.size() / batchBytes + 2);
        EXPECT_EQ(life.context().status().oversizeRecords, 4u) << batchBytes;
        life.context().stop();
        EXPECT_EQ(all(), (Lines{"end", longest, longest, "short"})) << batchBytes;
    }
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

TEST_F(FileStreams, WhatBatchesReadIsCountedAndReplaysAreNot) {
    put("a", "one\ntwo\n", 500);
    const auto counted = [&](std::int64_t millis, bool graceful) {
        Life life(durable(), fromMillis(kStart + millis));
        life.collect(totals()(life.context()), seen_);
        std::string read;
        life.context().onBatchCompleted([&](const BatchInfo& batch) {
            for (const auto& input : batch.inputs)
                read += (batch.replayed ? "again " : "") + std::to_string(input.records) + "," +
                        std::to_string(input.bytes) + " ";
        });
        life.start();
        if (millis == 1000) put("b", "three\n", 1500);
        life.run(1);
        life.context().stop(graceful);
        const auto status = life.context().status();
        EXPECT_EQ(status.batches.records, status.sources[0].statistics.records);
        EXPECT_EQ(status.batches.bytes, status.sources[0].statistics.bytes);
        return read + "= " + std::to_string(status.batches.records);
    };
    EXPECT_EQ(counted(0, false), "2,8 = 2");
    EXPECT_EQ(counted(1000, true), "again 2,8 1,6 = 1");
}

TEST_F(FileStreams, BinaryRecordsHaveTheirLength) {
    stream_ = [this](StreamingContext& context) {
        return context.binaryRecordsStream(incoming().string(), 3, options_);
    };
    put("a", std::string("abc\n\0f", 6), 500);
    live(inMemory(), 0, 1);
    EXPECT_EQ(seen_[1], (Lines{"\\x0a\\x00f", "abc"}));
    put("b", "defg", 1500);
    const auto failure = failureOfLife(1000, 1);
    EXPECT_NE(failure.find("size=4 record_length=3"), std::string::npos) << failure;
    EXPECT_NE(failure.find("on_lost_data"), std::string::npos) << failure;
    options_.onLostData = LostData::kSkip;
    seen_.clear();
    live(durable(), 1000, 2);
    EXPECT_EQ(all(), (Lines{"\\x0a\\x00f", "abc", "def"}));
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
