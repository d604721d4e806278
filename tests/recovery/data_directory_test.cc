#include "recovery/data_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/recovery/log_fixture.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Path;

// On the real file system: locks and permissions are what is tested.
class DataDirectoryTest : public ::testing::Test {
protected:
    DataDirectoryTest() {
        std::string name = (std::filesystem::temp_directory_path() / "tidemill-XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        data_ = root_ / "job.data";
    }
    ~DataDirectoryTest() override { std::filesystem::remove_all(root_); }

    core::FileSystem& files() { return core::posixFileSystem(); }
    std::vector<std::string> namesIn(const Path& path) { return *files().list(path); }
    void write(const Path& path, std::string_view text) {
        std::ofstream(path, std::ios::binary) << text;
    }

    Path root_;
    Path data_;
};

TEST_F(DataDirectoryTest, NewOneIsCreatedAndFoundAgain) {
    LogUuid uuid;
    {
        const auto directory = DataDirectory::open(files(), data_);
        TM_ASSERT_OK(directory);
        EXPECT_FALSE((*directory)->format().logStarted);
        uuid = (*directory)->uuid();
        TM_ASSERT_OK((*directory)->markLogStarted());
    }
    EXPECT_EQ(namesIn(data_),
              (std::vector<std::string>{"FORMAT", "LOCK", "generations", "wal", "work"}));
    const auto again = DataDirectory::open(files(), data_);
    TM_ASSERT_OK(again);
    EXPECT_EQ((*again)->uuid(), uuid);
    EXPECT_TRUE((*again)->format().logStarted);
}

TEST_F(DataDirectoryTest, NothingIsReadableByOthers) {
    TM_ASSERT_OK(DataDirectory::open(files(), data_));
    EXPECT_EQ(files().info(data_)->mode, 0700u);
    EXPECT_EQ(files().info(data_ / "wal")->mode, 0700u);
    EXPECT_EQ(files().info(data_ / "FORMAT")->mode, 0600u);
    EXPECT_EQ(files().info(data_ / "LOCK")->mode, 0600u);
}

TEST_F(DataDirectoryTest, SecondOneIsRefusedNamesTheHolderAndWritesNothing) {
    const auto first = DataDirectory::open(files(), data_);
    TM_ASSERT_OK(first);
    const auto before = namesIn(data_);
    const auto lockBefore = readAll(files(), data_ / "LOCK");
    const auto second = DataDirectory::open(files(), data_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
    EXPECT_THAT(second.error().message,
                ::testing::HasSubstr("process " + std::to_string(::getpid())));
    EXPECT_EQ(namesIn(data_), before);
    EXPECT_EQ(readAll(files(), data_ / "LOCK"), lockBefore);
}

TEST_F(DataDirectoryTest, LockEndsWithItsHolder) {
    { TM_ASSERT_OK(DataDirectory::open(files(), data_)); }
    TM_ASSERT_OK(DataDirectory::open(files(), data_));
}

TEST_F(DataDirectoryTest, RemovingTheLockFileLetsNobodyIn) {
    const auto first = DataDirectory::open(files(), data_);
    TM_ASSERT_OK(first);
    TM_EXPECT_OK((*first)->stillHeld());
    std::filesystem::remove(data_ / "LOCK");
    const auto second = DataDirectory::open(files(), data_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
    EXPECT_EQ(namesIn(data_), (std::vector<std::string>{"FORMAT", "generations", "wal", "work"}));
    const auto held = (*first)->stillHeld();
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().kind, ErrorKind::kConflict);
    EXPECT_THAT(held.error().message, ::testing::HasSubstr("LOCK was removed"));
}

TEST_F(DataDirectoryTest, ReplacingTheLockFileIsSeen) {
    const auto first = DataDirectory::open(files(), data_);
    TM_ASSERT_OK(first);
    std::filesystem::remove(data_ / "LOCK");
    write(data_ / "LOCK", "17\n");
    EXPECT_FALSE(DataDirectory::open(files(), data_));
    const auto held = (*first)->stillHeld();
    ASSERT_FALSE(held);
    EXPECT_THAT(held.error().message, ::testing::HasSubstr("LOCK was replaced"));
}

TEST_F(DataDirectoryTest, RemovingOrReplacingTheDirectoryIsSeen) {
    const auto first = DataDirectory::open(files(), data_);
    TM_ASSERT_OK(first);
    std::filesystem::rename(data_, root_ / "elsewhere");
    EXPECT_THAT((*first)->stillHeld().error().message, ::testing::HasSubstr("was removed"));
    // Whoever takes the name now has another directory, and we must not write there.
    const auto second = DataDirectory::open(files(), data_);
    TM_ASSERT_OK(second);
    EXPECT_THAT((*first)->stillHeld().error().message, ::testing::HasSubstr("was replaced"));
    TM_EXPECT_OK((*second)->stillHeld());
    // The old one is still held, whatever it is called.
    EXPECT_FALSE(DataDirectory::open(files(), root_ / "elsewhere"));
}

TEST_F(DataDirectoryTest, DirectoryOthersMayWriteToIsRefused) {
    ::mkdir(data_.c_str(), 0700);
    ::chmod(data_.c_str(), 0770);
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
    EXPECT_TRUE(namesIn(data_).empty());
}

TEST_F(DataDirectoryTest, DirectoryOfAnotherOwnerIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
    ::mkdir(data_.c_str(), 0700);
    ASSERT_EQ(::chown(data_.c_str(), 12345, 12345), 0);
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
    EXPECT_TRUE(namesIn(data_).empty());
}

TEST_F(DataDirectoryTest, DirectoryWithOtherFilesIsRefusedUntouched) {
    ::mkdir(data_.c_str(), 0700);
    write(data_ / "thesis.txt", "years of work");
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(namesIn(data_), std::vector<std::string>{"thesis.txt"});
}

TEST_F(DataDirectoryTest, FormatOfSomethingElseIsRefusedUntouched) {
    ::mkdir(data_.c_str(), 0700);
    write(data_ / "FORMAT", "mp3\n");
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
    EXPECT_EQ(namesIn(data_), std::vector<std::string>{"FORMAT"});
}

TEST_F(DataDirectoryTest, FileInItsPlaceIsRefused) {
    write(data_, "x");
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
}

TEST_F(DataDirectoryTest, LostFormatFileIsNotANewDirectory) {
    { TM_ASSERT_OK(DataDirectory::open(files(), data_)); }
    write(data_ / "wal" / "00000000000000000001-0000000001.wal", "frames");
    std::filesystem::remove(data_ / "FORMAT");
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt);
}

TEST_F(DataDirectoryTest, UnfinishedCreationIsFinished) {
    { TM_ASSERT_OK(DataDirectory::open(files(), data_)); }
    std::filesystem::remove(data_ / "FORMAT");
    std::filesystem::remove(data_ / "work");
    write(data_ / "FORMAT.tmp", "tidem");
    TM_ASSERT_OK(DataDirectory::open(files(), data_));
}

TEST_F(DataDirectoryTest, NewerFormatIsRefusedUntouched) {
    { TM_ASSERT_OK(DataDirectory::open(files(), data_)); }
    write(data_ / "FORMAT", "tidemill data directory\nversion 9\nreader-min 4\nwhat comes then\n");
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kUnsupported);
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr("version 9"));
}

TEST_F(DataDirectoryTest, AnOlderFormatIsRefusedUntouched) {
    ::mkdir(data_.c_str(), 0700);
    write(data_ / "FORMAT", "tidemill data directory\nversion 1\nreader-min 1\nwhat came then\n");
    const auto opened = DataDirectory::open(files(), data_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kUnsupported);
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr("begin with a new data directory"));
    EXPECT_EQ(namesIn(data_), std::vector<std::string>{"FORMAT"});
}

TEST(DirectoryFormatText, IsAsDocumented) {
    DirectoryFormat format;
    for (std::uint8_t i = 0; i < 16; ++i) format.uuid.bytes[i] = i;
    format.logStarted = true;
    const auto text = encodeDirectoryFormat(format);
    EXPECT_EQ(text,
              "tidemill data directory\nversion 2\nreader-min 2\n"
              "log 000102030405060708090a0b0c0d0e0f\nlog-started yes\ncrc32c 1f134972\n");
    EXPECT_EQ(decodeDirectoryFormat(text), format);
}

TEST(DirectoryFormatText, AForkHasItsOwnIdentityAndTheLogsUuid) {
    DirectoryFormat format;
    for (std::uint8_t i = 0; i < 16; ++i) format.uuid.bytes[i] = i;
    format.logStarted = true;
    EXPECT_EQ(format.identity(), format.uuid);
    LogUuid first, second;
    first.bytes.fill(0xaa);
    second.bytes.fill(0xbb);
    format.forkAs(first, false);
    const auto text = encodeDirectoryFormat(format);
    EXPECT_EQ(text,
              "tidemill data directory\nversion 3\nreader-min 3\n"
              "log 000102030405060708090a0b0c0d0e0f\nlog-started yes\n"
              "identity aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
              "fork-of 000102030405060708090a0b0c0d0e0f\noutputs off\n" +
                  text.substr(text.find("crc32c ")));
    EXPECT_EQ(decodeDirectoryFormat(text), format);
    EXPECT_EQ(format.identity(), first);
    format.forkAs(second, true);
    EXPECT_EQ(format.fork, (Fork{second, first, true}));
    EXPECT_EQ(decodeDirectoryFormat(encodeDirectoryFormat(format)), format);
}

TEST(DirectoryFormatText, EachFlippedBitAndEachCutIsSeen) {
    DirectoryFormat fork;
    fork.forkAs({}, false);
    for (const auto& format : {DirectoryFormat{}, fork}) {
        const auto whole = encodeDirectoryFormat(format);
        for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
            auto text = whole;
            text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
            EXPECT_FALSE(decodeDirectoryFormat(text)) << bit;
        }
        for (std::size_t size = 0; size < whole.size(); ++size)
            EXPECT_FALSE(decodeDirectoryFormat(whole.substr(0, size))) << size;
    }
}

}  // namespace
}  // namespace tidemill::recovery
