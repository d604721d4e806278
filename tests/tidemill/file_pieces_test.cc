// More than a batch holds: large files in pieces, and many files, over batches and lives.
#include "tests/tidemill/file_streams.h"

namespace tidemill::test {
namespace {

using FilePieces = FileStreams;

TEST_F(FilePieces, WhatDoesNotFitWaitsAndIsNotForgottenByACrash) {
    auto small = durable();
    small.maxBatchBytes = 10;
    for (int i = 0; i < 6; ++i)
        put("f" + std::to_string(i), "line " + std::to_string(i) + "\n", 500);
    live(small, 0, 2, false);
    small.workers = 7;
    live(small, 200'000, 5);
    std::multiset<std::string> all;
    for (const auto& [id, lines] : seen_) all.insert(lines.begin(), lines.end());
    EXPECT_EQ(all, (std::multiset<std::string>{"line 0", "line 1", "line 2", "line 3", "line 4",
                                               "line 5"}));
    EXPECT_EQ(seen_[1], (Lines{"line 0"}));
}

TEST_F(FilePieces, ALargeFileIsReadInPiecesOverBatchesAndLives) {
    std::string text;
    std::multiset<std::string> expected;
    for (int i = 0; i < 100; ++i) {
        const auto line = std::to_string(i) + std::string(static_cast<std::size_t>(i % 37), 'x');
        expected.insert(line);
        text += line + (i % 5 == 0 ? "\r\n" : "\n");
    }
    text += "unfinished";
    expected.insert("unfinished");
    for (const std::size_t batchBytes : {7u, 100u, 1024u}) {
        seen_.clear();
        fs::remove_all(directory_ / "data");
        fs::remove(incoming() / "large");
        put("large", text, 500);
        auto small = durable();
        small.maxBatchBytes = batchBytes;
        const auto batches = text.size() / batchBytes + 4;
        std::size_t run = 0;
        for (std::int64_t life = 0; run < batches; ++life) {
            const auto now = std::min<std::size_t>(batches - run, 1 + batches / 5);
            live(small, static_cast<std::int64_t>(1000 * run), now, life % 2 == 0);
            run += now;
            if (life == 0) fs::rename(incoming() / "large", incoming() / "renamed");
            if (life == 0) fs::rename(incoming() / "renamed", incoming() / "large");
            if (life == 1) append("large", " grows\n");
        }
        std::multiset<std::string> got;
        for (const auto& [id, lines] : seen_) got.insert(lines.begin(), lines.end());
        EXPECT_EQ(got, expected) << "batches of " << batchBytes;
        EXPECT_LT(seen_[1].size(), 100u);
    }
}

TEST_F(FilePieces, AFileThatGoesWhileItIsReadInPiecesIsReadToItsEnd) {
    auto small = durable();
    small.maxBatchBytes = 8;
    put("a", "one\ntwo\nthree\nfour\nfive\n", 500);
    live(small, 0, 5, true, [&](std::size_t i) {
        if (i == 2) fs::remove(incoming() / "a");
    });
    EXPECT_EQ(all(), (Lines{"five", "four", "one", "three", "two"}));
}

TEST_F(FilePieces, TheRestOfAFileThatIsGoneAtAStartStopsTheJobByName) {
    auto small = durable();
    small.maxBatchBytes = 8;
    put("a", "one\ntwo\nthree\nfour\nfive\n", 500);
    live(small, 0, 1);
    fs::remove(incoming() / "a");
    try {
        live(small, 1000, 2);
        FAIL() << "went on";
    } catch (const StreamingError& error) {
        const std::string what = error.what();
        EXPECT_NE(what.find((incoming() / "a").string()), std::string::npos) << what;
        EXPECT_NE(what.find("on_lost_data"), std::string::npos) << what;
    }
    options_.onLostData = LostData::kSkip;
    put("b", "b\n", 500);
    live(small, 3000, 3);
    EXPECT_EQ(all(), (Lines{"b", "one", "two"}));
    options_.onLostData = LostData::kStop;
    live(small, 6000, 2);
}

TEST_F(FilePieces, ManyNewFilesAtOnceAreTakenOverSomeBatches) {
    constexpr std::size_t kFiles = 2 * sources::FileSource::kFilesMax + 7;
    for (std::size_t i = 0; i < kFiles; ++i)
        std::ofstream(incoming() / std::to_string(i)) << i << "\n";
    options_.existing = ExistingFiles::kTake;
    live(durable(), 0, 1, false);
    EXPECT_EQ(seen_[1].size(), sources::FileSource::kFilesMax);
    live(durable(), 1000, 3, false);
    EXPECT_EQ(all().size(), kFiles);
    live(durable(), 4000, 1);
    EXPECT_EQ(all().size(), kFiles);
}

TEST_F(FilePieces, ManyOldFilesAreLeftOverSomeBatches) {
    constexpr std::size_t kFiles = sources::FileSource::kFilesMax + 7;
    for (std::size_t i = 0; i < kFiles; ++i) put(std::to_string(i), "old\n", -100'000);
    live(durable(), 0, 1, false);
    put("new", "new\n", 500);
    live(durable(), 1000, 2, false);
    live(durable(), 3'000'000, 2);
    EXPECT_EQ(all(), (Lines{"new"}));
}

}  // namespace
}  // namespace tidemill::test
