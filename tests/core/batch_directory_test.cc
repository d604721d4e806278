// Results that appear whole or not at all, and once: on a disk that fails, fills up or loses its
// power at every change that publishing makes.
#include "core/batch_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fault_file_system.h"
#include "tests/support/simulated_disk.h"

namespace tidemill::core {
namespace {

using testing::FaultFileSystem;
using testing::SimulatedDisk;
using Fault = FaultFileSystem::Fault;
using Files = std::map<std::string, std::string>;

constexpr std::size_t kPieceBytesMax = 1 << 20;

const Path kPath = "/out/words-7000";
const Path kTemporary = "/out/words-7000.tmp";
const Path kReplaced = "/out/words-7000.replaced.tmp";

ResultMark markOf(std::uint64_t batch, std::uint32_t revision = 0) {
    ResultMark mark;
    mark.directory = std::string(32, 'a');
    mark.batch = BatchId(batch);
    mark.digest = batch * 1000;
    mark.revision = revision;
    return mark;
}

Files withMark(const ResultMark& mark, const Files& parts) {
    Files all{{(kPath / kResultMarkName).string(), encodeResultMark(mark)}};
    for (const auto& [name, text] : parts) all[(kPath / name).string()] = text;
    return all;
}

class BatchDirectoryTest : public ::testing::Test {
protected:
    BatchDirectoryTest() { prepare(disk_); }

    static void prepare(SimulatedDisk& disk) {
        EXPECT_TRUE(disk.createDirectory("/out"));
        EXPECT_TRUE(disk.syncDirectory("/"));
    }

    static BatchDirectory begin(FileSystem& files, const ResultMark& mark) {
        auto begun = BatchDirectory::begin(files, kPath, mark);
        EXPECT_TRUE(begun && *begun);
        return std::move(begun.value().value());
    }

    static Result<> writePart(BatchDirectory& directory, const std::string& name,
                              std::string_view text) {
        TM_ASSIGN(auto part, directory.part(name));
        TM_TRY(part.append(text));
        return part.finish();
    }

    // All that an output does for a batch; false: it was published already.
    static Result<bool> publish(FileSystem& files, const ResultMark& mark, const Files& parts) {
        TM_ASSIGN(auto directory, BatchDirectory::begin(files, kPath, mark));
        if (!directory) return false;
        for (const auto& [name, text] : parts) TM_TRY(writePart(*directory, name, text));
        TM_TRY(directory->commit());
        return true;
    }

    // Fails and loses power at each change that publishing makes, then runs the batch again.
    // `before` stands there from an earlier run, if it holds anything.
    void interruptEverywhere(const ResultMark& markBefore, const Files& before) {
        const auto mark = markOf(7, 1);
        const Files parts{{"part-00000", "tide 1\n"}, {"part-00001", "mill 2\n"}};
        const auto old = before.empty() ? Files() : withMark(markBefore, before);
        for (const auto fault : {Fault::kErrorOnce, Fault::kNoSpace, Fault::kCrash})
            for (const auto fate : {SimulatedDisk::Fate::kKeepAll, SimulatedDisk::Fate::kLoseAll,
                                    SimulatedDisk::Fate::kRandom}) {
                std::uint64_t change = 1;
                for (bool fired = true; fired; ++change) {
                    SCOPED_TRACE("fault " + std::to_string(static_cast<int>(fault)) + " fate " +
                                 std::to_string(static_cast<int>(fate)) + " change " +
                                 std::to_string(change));
                    SimulatedDisk disk;
                    prepare(disk);
                    if (!before.empty()) {
                        ASSERT_TRUE(publish(disk, markBefore, before));
                    }
                    FaultFileSystem faulty(disk);
                    faulty.arm(fault, change);
                    const auto published = publish(faulty, mark, parts);
                    fired = faulty.fired();
                    ASSERT_EQ(published.has_value(), !fired);
                    disk.crash(fate, change);
                    auto left = disk.contents();
                    std::erase_if(left, [](const auto& file) {
                        return !file.first.starts_with(kPath.string() + "/");
                    });
                    if (!left.empty() && left != old) {
                        EXPECT_EQ(left, withMark(mark, parts));
                    }
                    ASSERT_TRUE(publish(disk, mark, parts));
                    EXPECT_EQ(disk.contents(), withMark(mark, parts));
                    EXPECT_EQ(*disk.list("/out"), std::vector<std::string>{"words-7000"});
                }
                EXPECT_GT(change, 10u) << "publishing makes more changes than these";
            }
    }

    SimulatedDisk disk_;
};

TEST_F(BatchDirectoryTest, AppearsUnderItsNameWhenItIsCommittedAndNotBefore) {
    auto directory = begin(disk_, markOf(7));
    ASSERT_TRUE(writePart(directory, "part-00000", "tide 1\n"));
    ASSERT_TRUE(writePart(directory, "_SUCCESS", ""));
    EXPECT_EQ(*disk_.list("/out"), std::vector<std::string>{"words-7000.tmp"});
    ASSERT_TRUE(directory.commit());
    EXPECT_EQ(*disk_.list("/out"), std::vector<std::string>{"words-7000"});
    EXPECT_EQ(disk_.contents(),
              withMark(markOf(7), {{"part-00000", "tide 1\n"}, {"_SUCCESS", ""}}));
}

TEST_F(BatchDirectoryTest, SurvivesPowerLossWholeOnceItIsCommitted) {
    const Files parts{{"part-00000", "tide 1\n"}, {"part-00001", ""}};
    ASSERT_TRUE(publish(disk_, markOf(7), parts));
    disk_.crash(SimulatedDisk::Fate::kLoseAll);
    EXPECT_EQ(disk_.contents(), withMark(markOf(7), parts));
}

TEST_F(BatchDirectoryTest, ARunOfABatchThatIsPublishedAlreadyIsDropped) {
    ASSERT_TRUE(publish(disk_, markOf(7), {{"part-00000", "tide 1\n"}}));
    const auto before = disk_.contents();
    FaultFileSystem counted(disk_);
    const auto again = BatchDirectory::begin(counted, kPath, markOf(7));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_FALSE(*again);
    EXPECT_EQ(counted.changes(), 0u);
    EXPECT_EQ(disk_.contents(), before);
}

TEST_F(BatchDirectoryTest, ResultsOfAnotherBatchAreRefusedAndSpared) {
    const auto wanted = markOf(7, 1);
    auto otherDirectory = wanted, otherBatch = wanted, otherRecord = wanted, newer = wanted;
    otherDirectory.directory[0] = 'b';
    otherBatch.batch = BatchId(8);
    otherRecord.digest += 1;
    newer.revision = 2;
    for (const auto& found : {otherDirectory, otherBatch, otherRecord, newer}) {
        ASSERT_TRUE(publish(disk_, found, {{"part-00000", "theirs\n"}}));
        const auto before = disk_.contents();
        const auto begun = BatchDirectory::begin(disk_, kPath, wanted);
        ASSERT_FALSE(begun) << describe(found);
        EXPECT_EQ(begun.error().kind, ErrorKind::kConflict);
        EXPECT_THAT(begun.error().message,
                    ::testing::AllOf(::testing::HasSubstr(kPath.string()),
                                     ::testing::HasSubstr(describe(found)),
                                     ::testing::HasSubstr(describe(wanted))));
        EXPECT_EQ(disk_.contents(), before);
        EXPECT_EQ(*disk_.list("/out"), std::vector<std::string>{"words-7000"});
        ASSERT_TRUE(disk_.removeTree(kPath));
    }
}

// Somebody's own directory, or one whose mark was damaged: whose it is cannot be told.
TEST_F(BatchDirectoryTest, ADirectoryWithoutAReadableMarkIsRefusedAndSpared) {
    ASSERT_TRUE(publish(disk_, markOf(7), {{"part-00000", "tide 1\n"}}));
    disk_.damage(kPath / kResultMarkName, 0, 1);
    const auto damaged = disk_.contents();
    const auto unreadable = BatchDirectory::begin(disk_, kPath, markOf(7));
    ASSERT_FALSE(unreadable);
    EXPECT_EQ(unreadable.error().kind, ErrorKind::kCorrupt);
    EXPECT_THAT(unreadable.error().message,
                ::testing::HasSubstr((kPath / kResultMarkName).string()));
    EXPECT_EQ(disk_.contents(), damaged);

    ASSERT_TRUE(disk_.unlink(kPath / kResultMarkName));
    const auto without = disk_.contents();
    const auto unmarked = BatchDirectory::begin(disk_, kPath, markOf(7));
    ASSERT_FALSE(unmarked);
    EXPECT_EQ(unmarked.error().kind, ErrorKind::kConflict);
    EXPECT_EQ(disk_.contents(), without);
}

TEST_F(BatchDirectoryTest, ABatchThatWasRecordedAnewReplacesItsOlderResults) {
    const Files old{{"part-00000", "old\n"}, {"part-00001", "only the old ones have this\n"}};
    ASSERT_TRUE(publish(disk_, markOf(7), old));
    auto directory = begin(disk_, markOf(7, 1));
    ASSERT_TRUE(writePart(directory, "part-00000", "new\n"));
    ASSERT_TRUE(disk_.exists(kPath / "part-00001")) << "the old ones stand until the commit";
    ASSERT_TRUE(directory.commit());
    EXPECT_EQ(disk_.contents(), withMark(markOf(7, 1), {{"part-00000", "new\n"}}));
    EXPECT_EQ(*disk_.list("/out"), std::vector<std::string>{"words-7000"});
}

TEST_F(BatchDirectoryTest, AnInterruptionAnywhereLeavesNothingOrAllAndTheNextRunMendsIt) {
    interruptEverywhere({}, {});
}

TEST_F(BatchDirectoryTest, AnInterruptionAnywhereOfAReplacementLeavesOldOrNewOrNothing) {
    interruptEverywhere(markOf(7), {{"part-00000", "old\n"}, {"part-00002", "older\n"}});
}

TEST_F(BatchDirectoryTest, WhatACrashLeftUnderTheTemporaryNamesIsNoPartOfTheResults) {
    for (const auto& left : {kTemporary, kReplaced}) {
        ASSERT_TRUE(disk_.createDirectory(left));
        ASSERT_TRUE(disk_.open(left / "part-00009", OpenMode::kCreate));
    }
    ASSERT_TRUE(publish(disk_, markOf(7), {{"part-00000", "tide 1\n"}}));
    EXPECT_EQ(disk_.contents(), withMark(markOf(7), {{"part-00000", "tide 1\n"}}));
    EXPECT_EQ(*disk_.list("/out"), std::vector<std::string>{"words-7000"});
}

// The crash came behind the commit: the batch is dropped when it runs again, the old ones are not
// kept for that.
TEST_F(BatchDirectoryTest, ReplacedResultsThatACrashLeftAreRemovedThoughTheBatchIsPublished) {
    ASSERT_TRUE(publish(disk_, markOf(7), {{"part-00000", "tide 1\n"}}));
    ASSERT_TRUE(disk_.createDirectory(kReplaced));
    ASSERT_TRUE(disk_.open(kReplaced / "part-00000", OpenMode::kCreate));
    const auto again = publish(disk_, markOf(7), {{"part-00000", "tide 1\n"}});
    ASSERT_TRUE(again);
    EXPECT_FALSE(*again);
    EXPECT_EQ(*disk_.list("/out"), std::vector<std::string>{"words-7000"});
}

TEST_F(BatchDirectoryTest, AFullDiskIsAnErrorOfWhateverNeedsTheRoom) {
    disk_.setCapacity(0);
    const auto begun = BatchDirectory::begin(disk_, kPath, markOf(7));
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().kind, ErrorKind::kNoSpace);

    disk_.setCapacity(1000);
    auto directory = begin(disk_, markOf(7));
    auto large = directory.part("part-00000");
    ASSERT_TRUE(large);
    const auto appended = large->append(std::string(kPieceBytesMax, 'x'));
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().kind, ErrorKind::kNoSpace);
    const auto finished = writePart(directory, "part-00001", std::string(1000, 'x'));
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().kind, ErrorKind::kNoSpace);

    disk_.setCapacity(~std::uint64_t{0});
    ASSERT_TRUE(publish(disk_, markOf(7), {{"part-00000", "tide 1\n"}}));
    EXPECT_EQ(disk_.contents(), withMark(markOf(7), {{"part-00000", "tide 1\n"}}));
}

TEST_F(BatchDirectoryTest, WithoutTheDirectoryItIsToStandInNothingIsMade) {
    ASSERT_TRUE(disk_.removeTree("/out"));
    EXPECT_FALSE(BatchDirectory::begin(disk_, kPath, markOf(7)));
    EXPECT_TRUE(disk_.list("/")->empty());
}

TEST_F(BatchDirectoryTest, OneThatWasTakenAwayBeforeItsCommitReplacesNothing) {
    ASSERT_TRUE(publish(disk_, markOf(7), {{"part-00000", "old\n"}}));
    auto directory = begin(disk_, markOf(7, 1));
    ASSERT_TRUE(writePart(directory, "part-00000", "new\n"));
    ASSERT_TRUE(disk_.rename(kTemporary, "/out/elsewhere"));
    EXPECT_FALSE(directory.part("part-00001"));
    EXPECT_FALSE(directory.commit());
    ASSERT_TRUE(disk_.removeTree("/out/elsewhere"));
    EXPECT_EQ(disk_.contents(), withMark(markOf(7), {{"part-00000", "old\n"}}));
}

TEST_F(BatchDirectoryTest, ThreadsWritePartsOfDifferentNames) {
    auto directory = begin(disk_, markOf(7));
    constexpr std::size_t kThreads = 8;
    Files wanted;
    std::vector<std::thread> threads;
    for (std::size_t id = 0; id < kThreads; ++id) {
        const auto name = "part-" + std::to_string(id);
        for (int line = 0; line < 1000; ++line)
            wanted[name] += std::to_string(id) + " " + std::to_string(line) + "\n";
        threads.emplace_back([&directory, name, text = wanted[name]] {
            EXPECT_TRUE(writePart(directory, name, text));
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(directory.commit());
    EXPECT_EQ(disk_.contents(), withMark(markOf(7), wanted));
}

TEST_F(BatchDirectoryTest, ASecondPartOfOneNameIsRefusedAndTheFirstIsSpared) {
    auto directory = begin(disk_, markOf(7));
    ASSERT_TRUE(writePart(directory, "part-00000", "first\n"));
    const auto second = directory.part("part-00000");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
    EXPECT_FALSE(directory.part(std::string(kResultMarkName)));
    ASSERT_TRUE(directory.commit());
    EXPECT_EQ(disk_.contents(), withMark(markOf(7), {{"part-00000", "first\n"}}));
}

TEST_F(BatchDirectoryTest, APartIsWrittenInOrderAndInPiecesOfBoundedSize) {
    auto directory = begin(disk_, markOf(7));
    auto part = directory.part("part-00000");
    ASSERT_TRUE(part);
    std::string wanted;
    for (int line = 0; wanted.size() < 3 * kPieceBytesMax; ++line) {
        std::string text = std::to_string(line) + ":";
        text.resize(static_cast<std::size_t>(1 + line % 5000), '.');
        ASSERT_TRUE(part->append(text));
        wanted += text;
        ASSERT_LT(wanted.size() - disk_.info(kTemporary / "part-00000")->sizeBytes, kPieceBytesMax)
            << "what waits in memory";
    }
    ASSERT_TRUE(part->finish());
    ASSERT_TRUE(directory.commit());
    EXPECT_TRUE(disk_.contents().at((kPath / "part-00000").string()) == wanted);
}

TEST(AbsolutePlace, IsTheSameForTwoWaysToWriteAPath) {
    EXPECT_EQ(absolutePlace("/out/words"), "/out/words");
    EXPECT_EQ(absolutePlace("/out/./a/../words"), "/out/words");
    EXPECT_EQ(absolutePlace("out/words"), (std::filesystem::current_path() / "out/words").string());
    EXPECT_EQ(absolutePlace("./out/words"), absolutePlace("out/words"));
    EXPECT_NE(absolutePlace("out/words"), absolutePlace("out/word"));
}

}  // namespace
}  // namespace tidemill::core
