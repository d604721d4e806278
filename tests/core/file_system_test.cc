#include "core/file_system.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/support/fault_file_system.h"

namespace tidemill::core {
namespace {

constexpr std::uint64_t kManySteps = 20 << 20;

class FileSystemTest : public ::testing::Test {
protected:
    FileSystemTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tidemill-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
    }
    ~FileSystemTest() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<File> writeFile(const Path& path) {
        auto file = *files_.open(path, OpenMode::kCreate);
        EXPECT_TRUE(file->writeAt(0, std::string(kManySteps, 'x')));
        return file;
    }
    Path directory_;
    FileSystem& files_ = posixFileSystem();
};

TEST_F(FileSystemTest, AFileUnlinkedGraduallyIsGone) {
    writeFile(directory_ / "large");
    ASSERT_TRUE(files_.unlinkGradually(directory_ / "large"));
    EXPECT_FALSE(files_.exists(directory_ / "large"));
}

TEST_F(FileSystemTest, AFileUnlinkedGraduallyKeepsItsBytesForWhoHasItOpen) {
    const auto open = writeFile(directory_ / "large");
    ASSERT_TRUE(files_.unlinkGradually(directory_ / "large"));
    EXPECT_EQ(*open->sizeBytes(), kManySteps);
}

TEST_F(FileSystemTest, AFileUnlinkedGraduallyKeepsItsBytesUnderItsOtherNames) {
    writeFile(directory_ / "large");
    ASSERT_TRUE(files_.link(directory_ / "large", directory_ / "other"));
    ASSERT_TRUE(files_.unlinkGradually(directory_ / "large"));
    EXPECT_EQ(files_.info(directory_ / "other")->sizeBytes, kManySteps);
}

// tar, or grep -r over a data directory.
TEST_F(FileSystemTest, WhoOpensAFileThatIsBeingUnlinkedNeitherWaitsNorEndsTheProcess) {
    const auto path = directory_ / "large";
    std::atomic<int> opened = 0;
    for (int round = 0; round < 20; ++round) {
        ASSERT_TRUE((*files_.open(path, OpenMode::kCreate))->truncate(kManySteps));
        std::atomic<bool> done = false;
        std::thread reader([&] {
            while (!done)
                if (files_.open(path, OpenMode::kRead)) ++opened;
        });
        ASSERT_TRUE(files_.unlinkGradually(path));
        done = true;
        reader.join();
        EXPECT_FALSE(files_.exists(path));
    }
    EXPECT_GT(opened, 0);
}

TEST_F(FileSystemTest, AFileThatCannotBeLinkedIsCopied) {
    class NoLinks final : public tidemill::testing::FaultFileSystem {
    public:
        using tidemill::testing::FaultFileSystem::FaultFileSystem;
        Result<> link(const Path&, const Path&) override {
            return fail(ErrorKind::kUnsupported, "link failed: Operation not permitted");
        }
    } noLinks(files_);
    writeFile(directory_ / "large");
    ASSERT_TRUE(linkOrCopy(noLinks, directory_ / "large", directory_ / "copy"));
    EXPECT_EQ(*readWholeFile(files_, directory_ / "copy", kManySteps),
              std::string(kManySteps, 'x'));
}

TEST_F(FileSystemTest, WhatIsNotThereIsNotUnlinkedGradually) {
    EXPECT_FALSE(files_.unlinkGradually(directory_ / "none"));
}

}  // namespace
}  // namespace tidemill::core
