#include "core/file_system.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

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

TEST_F(FileSystemTest, WhatIsNotThereIsNotUnlinkedGradually) {
    EXPECT_FALSE(files_.unlinkGradually(directory_ / "none"));
}

}  // namespace
}  // namespace tidemill::core
