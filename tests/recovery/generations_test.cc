#include "recovery/generations.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/recovery/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::recovery {
namespace {

using core::BatchId;
using core::ErrorKind;
using core::Lsn;
using core::OpenMode;
using core::Path;
using tidemill::testing::FaultFileSystem;
using tidemill::testing::SimulatedDisk;

core::BatchMark markOf(std::uint64_t batch) {
    core::BatchMark mark;
    mark.batch = BatchId(batch);
    mark.endLsn = Lsn(batch * 10);
    mark.fingerprint = 42;
    mark.operators = {{core::OperatorId(1), "totals", "runningTotals"}};
    return mark;
}

core::Result<std::vector<core::CheckpointFile>> writeSome(core::FileSystem& files,
                                                          const Path& into) {
    std::vector<core::CheckpointFile> entries;
    for (const char* name : {"CURRENT", "OPTIONS", "MANIFEST-1"}) {
        TM_ASSIGN(const auto file, files.open(into / name, OpenMode::kCreate));
        TM_TRY(file->writeAt(0, name));
        entries.push_back({name, 0, "", ""});
    }
    return entries;
}

class GenerationsTest : public ::testing::Test {
protected:
    GenerationsTest() {
        (void)disk_.createDirectory("/g");
        (void)disk_.createDirectory("/work");
        (void)disk_.syncDirectory("/");
    }

    void write(const Path& path, std::string_view text, bool sync = true) {
        auto file = disk_.open(path, OpenMode::kReplace);
        TM_ASSERT_OK((*file)->writeAt(0, text));
        if (sync) {
            TM_ASSERT_OK((*file)->sync());
        }
    }

    core::Result<GenerationName> publish(std::uint64_t batch) {
        write("/work/1.sst", "sorted " + std::to_string(batch));
        return generations_.publish(
            markOf(batch),
            [&](const Path& into) -> core::Result<std::vector<core::CheckpointFile>> {
                TM_TRY(disk_.link("/work/1.sst", into / "1.sst"));
                (void)disk_.unlink("/work/1.sst");
                write(into / "CURRENT", "MANIFEST-1\n", false);
                return std::vector<core::CheckpointFile>{{"1.sst", 0, "\x01\x02", "theirs"},
                                                         {"CURRENT", 0, "", ""}};
            });
    }

    std::vector<std::string> names() {
        std::vector<std::string> texts;
        const auto listed = generations_.list();
        for (const auto& name : *listed) texts.push_back(toString(name));
        return texts;
    }

    SimulatedDisk disk_;
    Generations generations_{disk_, "/g"};
};

TEST_F(GenerationsTest, PublishedOneSurvivesPowerLossWhole) {
    TM_ASSERT_OK(publish(3));
    disk_.crash(SimulatedDisk::Fate::kLoseAll);
    EXPECT_EQ(names(), std::vector<std::string>{"00000000000000000003-0001"});
    const auto manifest = generations_.verify({BatchId(3)});
    TM_ASSERT_OK(manifest);
    EXPECT_EQ(manifest->mark, markOf(3));
    ASSERT_EQ(manifest->files.size(), 2u);
    EXPECT_EQ(manifest->files[0], (core::CheckpointFile{"1.sst", 8, "\x01\x02", "theirs"}));
    EXPECT_EQ(manifest->files[1].checksumFunction, kOwnChecksumFunction);
    EXPECT_EQ(readAll(disk_, "/g/00000000000000000003-0001/CURRENT"), "MANIFEST-1\n");
}

TEST_F(GenerationsTest, FailedLinkingPublishesNothing) {
    const auto published = generations_.publish(
        markOf(1), [](const Path&) -> core::Result<std::vector<core::CheckpointFile>> {
            return core::fail(ErrorKind::kIo, "no");
        });
    EXPECT_FALSE(published);
    EXPECT_TRUE(names().empty());
    TM_ASSERT_OK(generations_.removeLeftovers());
    EXPECT_TRUE(disk_.list("/g")->empty());
}

TEST_F(GenerationsTest, SameBoundaryTwiceKeepsBothAndTheLaterIsNewer) {
    TM_ASSERT_OK(publish(3));
    TM_ASSERT_OK(publish(3));
    EXPECT_EQ(names(),
              (std::vector<std::string>{"00000000000000000003-0002", "00000000000000000003-0001"}));
}

TEST_F(GenerationsTest, TrimPointIsTheOlderOfTheTwoNewest) {
    EXPECT_EQ(*generations_.trimPoint(), Lsn(0));
    TM_ASSERT_OK(publish(3));
    EXPECT_EQ(*generations_.trimPoint(), Lsn(0)) << "with one generation, nothing";
    TM_ASSERT_OK(publish(5));
    EXPECT_EQ(*generations_.trimPoint(), Lsn(30));
    TM_ASSERT_OK(publish(8));
    EXPECT_EQ(*generations_.trimPoint(), Lsn(50));
}

TEST_F(GenerationsTest, OldOnesGoButTwo) {
    for (std::uint64_t batch : {2, 3, 4, 5}) TM_ASSERT_OK(publish(batch));
    TM_ASSERT_OK(generations_.removeOld(1));
    EXPECT_EQ(names(),
              (std::vector<std::string>{"00000000000000000005-0001", "00000000000000000004-0001"}));
    EXPECT_EQ(disk_.list("/g")->size(), 2u);
}

TEST_F(GenerationsTest, OneSetAsideNoLongerCountsAndGoesOnceTwoNewerExist) {
    for (std::uint64_t batch : {2, 3}) TM_ASSERT_OK(publish(batch));
    TM_ASSERT_OK(generations_.quarantine({BatchId(3)}));
    EXPECT_EQ(*generations_.trimPoint(), Lsn(0));
    TM_ASSERT_OK(publish(4));
    TM_ASSERT_OK(generations_.removeOld());
    EXPECT_EQ(disk_.list("/g")->size(), 3u);
    TM_ASSERT_OK(publish(5));
    TM_ASSERT_OK(generations_.removeOld());
    EXPECT_EQ(*disk_.list("/g"),
              (std::vector<std::string>{"00000000000000000004-0001", "00000000000000000005-0001"}));
}

TEST_F(GenerationsTest, MissingResizedOrChangedFilesDoNotVerify) {
    TM_ASSERT_OK(publish(3));
    const Path directory = generations_.pathOf({BatchId(3)});
    disk_.damage(directory / "CURRENT", 2, 1);
    EXPECT_EQ(generations_.verify({BatchId(3)}).error().kind, ErrorKind::kCorrupt);
    disk_.damage(directory / "CURRENT", 2, 1);
    TM_ASSERT_OK(generations_.verify({BatchId(3)}));
    {
        auto file = disk_.open(directory / "1.sst", OpenMode::kReadWrite);
        TM_ASSERT_OK((*file)->truncate(7));
    }
    EXPECT_EQ(generations_.verify({BatchId(3)}).error().kind, ErrorKind::kCorrupt);
    TM_ASSERT_OK(disk_.unlink(directory / "1.sst"));
    EXPECT_EQ(generations_.verify({BatchId(3)}).error().kind, ErrorKind::kCorrupt);
}

TEST_F(GenerationsTest, SuspectOneIsReadInFullBeforeUse) {
    TM_ASSERT_OK(publish(3));
    const GenerationName name{BatchId(3)};
    TM_ASSERT_OK(generations_.markSuspect(name));
    EXPECT_TRUE(generations_.suspect(name));
    EXPECT_FALSE(generations_.verify(name));
    int reads = 0;
    TM_EXPECT_OK(generations_.verify(name, [&](const Path&, const Manifest&) {
        ++reads;
        return core::Result<>();
    }));
    EXPECT_EQ(reads, 1);
    EXPECT_FALSE(generations_.verify(name, [](const Path&, const Manifest&) -> core::Result<> {
        return core::fail(ErrorKind::kCorrupt, "block checksum");
    }));
    TM_ASSERT_OK(generations_.clearSuspect(name));
    TM_EXPECT_OK(generations_.verify(name));
}

TEST_F(GenerationsTest, CloneLinksTablesCopiesTheRestAndReplacesWhatWasThere) {
    TM_ASSERT_OK(publish(3));
    write("/work/stale", "x");
    TM_ASSERT_OK(
        generations_.cloneInto({BatchId(3)}, *generations_.manifest({BatchId(3)}), "/work"));
    EXPECT_EQ(*disk_.list("/work"), (std::vector<std::string>{"1.sst", "CURRENT"}));
    write("/work/CURRENT", "MANIFEST-2\n");
    TM_EXPECT_OK(generations_.verify({BatchId(3)})) << "the copy is written to, not the original";
}

TEST_F(GenerationsTest, PowerLossWhileRemovingLeavesNoGenerationWithHoles) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        for (std::uint64_t n = 1;; ++n) {
            SCOPED_TRACE("seed " + std::to_string(seed) + " change " + std::to_string(n));
            SimulatedDisk disk;
            (void)disk.createDirectory("/g");
            FaultFileSystem faulty(disk);
            Generations generations(faulty, "/g");
            for (std::uint64_t batch : {1, 2, 3})
                TM_ASSERT_OK(generations.publish(
                    markOf(batch), [&](const Path& into) { return writeSome(faulty, into); }));
            TM_ASSERT_OK(disk.syncDirectory("/"));
            faulty.arm(FaultFileSystem::Fault::kCrash, n);
            if (generations.removeOld() && !faulty.fired()) break;
            disk.crash(SimulatedDisk::Fate::kRandom, seed * 1000 + n);
            faulty.arm(FaultFileSystem::Fault::kNone, 0);
            const auto left = generations.list();
            TM_ASSERT_OK(left);
            ASSERT_GE(left->size(), 2u);
            for (const auto& name : *left) TM_ASSERT_OK(generations.verify(name));
        }
    }
}

TEST_F(GenerationsTest, RemovalThatWasCutShortLeavesNoHalfGeneration) {
    TM_ASSERT_OK(publish(3));
    TM_ASSERT_OK(
        disk_.rename("/g/00000000000000000003-0001", "/g/00000000000000000003-0001.removed"));
    EXPECT_TRUE(names().empty());
    TM_ASSERT_OK(generations_.removeLeftovers());
    EXPECT_TRUE(disk_.list("/g")->empty());
}

TEST(GenerationNames, ComeBack) {
    for (const GenerationName name :
         {GenerationName{BatchId(7), 1}, GenerationName{BatchId(7), 12345}})
        EXPECT_EQ(parseGenerationName(toString(name)), name);
    EXPECT_FALSE(parseGenerationName("00000000000000000003-0001.tmp"));
    EXPECT_FALSE(parseGenerationName("00000000000000000003-0001.damaged"));
    EXPECT_FALSE(parseGenerationName("3"));
}

Manifest fullManifest() {
    Manifest manifest;
    manifest.mark = markOf(4);
    manifest.files = {{"a.sst", 10, "\xff", "f"}, {"CURRENT", 3, "00000000", "tidemill.crc32c"}};
    return manifest;
}

// The example of docs/formats/manifest.md, byte for byte.
constexpr char kGoldenManifest[] =
    "54 4d 49 4c 4c 47 45 4e 01 00 01 00 30 00 00 00 "
    "01 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 "
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
    "01 00 00 00 07 00 00 00 43 55 52 52 45 4e 54 01 "
    "00 00 00 00 00 00 00 0f 00 00 00 74 69 64 65 6d "
    "69 6c 6c 2e 63 72 63 33 32 63 08 00 00 00 61 39 "
    "33 63 35 66 39 33 b8 73 46 21 ";

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        char pair[4];
        std::snprintf(pair, sizeof pair, "%02x ", static_cast<unsigned char>(c));
        text += pair;
    }
    return text;
}

TEST(ManifestFormat, IsAsDocumented) {
    Manifest manifest;
    manifest.files = {{"CURRENT", 1, "a93c5f93", std::string(kOwnChecksumFunction)}};
    EXPECT_EQ(hex(encodeManifest(manifest)), kGoldenManifest);
}

// The example of docs/formats/batch_mark.md, byte for byte.
TEST(BatchMarkFormat, IsAsDocumented) {
    core::BatchMark mark;
    mark.batch = BatchId(2);
    mark.time = fromMillis(1700000002000);
    mark.zeroTime = fromMillis(1700000000000);
    mark.endLsn = Lsn(5);
    mark.fingerprint = 7;
    mark.operators = {{core::OperatorId(1), "totals", "sum"}};
    EXPECT_EQ(hex(core::encodeBatchMark(mark)),
              "01 00 01 00 02 00 00 00 00 00 00 00 d0 6f e5 cf "
              "8b 01 00 00 00 68 e5 cf 8b 01 00 00 05 00 00 00 "
              "00 00 00 00 07 00 00 00 00 00 00 00 01 00 00 00 "
              "01 00 00 00 06 00 00 00 74 6f 74 61 6c 73 03 00 "
              "00 00 73 75 6d ");
    EXPECT_EQ(core::decodeBatchMark(core::encodeBatchMark(mark)), mark);
}

TEST(ManifestFormat, ComesBackEqual) {
    const auto decoded = decodeManifest(encodeManifest(fullManifest()));
    TM_ASSERT_OK(decoded);
    EXPECT_EQ(*decoded, fullManifest());
}

TEST(ManifestFormat, EachFlippedBitAndEachCutIsSeen) {
    const auto whole = encodeManifest(fullManifest());
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        auto bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(decodeManifest(bytes)) << bit;
    }
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decodeManifest(whole.substr(0, size))) << size;
}

TEST(ManifestFormat, NamesThatReachOutsideAreRefused) {
    for (const char* name : {"../x", "/etc/passwd", "..", "", "a/b", "."}) {
        auto manifest = fullManifest();
        manifest.files[0].name = name;
        EXPECT_FALSE(decodeManifest(encodeManifest(manifest))) << name;
    }
    auto twice = fullManifest();
    twice.files[0].name = twice.files[1].name;
    EXPECT_FALSE(decodeManifest(encodeManifest(twice)));
}

}  // namespace
}  // namespace tidemill::recovery
