#include "recovery/durable_witness.h"

#include <gtest/gtest.h>

#include "recovery/inspect.h"
#include "tests/recovery/log_fixture.h"
#include "tests/support/fault_file_system.h"

namespace tidemill::recovery {
namespace {

using core::BatchId;
using core::ErrorKind;
using core::Lsn;
using core::Path;
using tidemill::testing::FaultFileSystem;
using tidemill::testing::SimulatedDisk;

const Path kWitness = kDirectory / "DURABLE";

LogUuid someUuid() {
    LogUuid uuid;
    for (std::uint8_t i = 0; i < 16; ++i) uuid.bytes[i] = i;
    return uuid;
}

TEST(WitnessBytes, EachFlippedBitAndEachCutSparesTheOtherSlot) {
    const Witnessed said{3, Lsn(1234567)};
    const auto whole = encodeWitness(someUuid(), said);
    ASSERT_EQ(whole.size(), 1024u);
    EXPECT_EQ(decodeWitness(whole, someUuid()), said);
    for (std::size_t bit = 0; bit < 8 * 64; ++bit)
        for (const std::size_t slot : {0, 512}) {
            auto bytes = whole;
            auto& byte = bytes[slot + bit / 8];
            byte = static_cast<char>(byte ^ (1 << bit % 8));
            EXPECT_EQ(decodeWitness(bytes, someUuid()), said) << bit;
            bytes.replace(512 - slot, 64, 64, '\0');
            // Padding apart, nothing of a damaged slot is believed.
            if (bit / 8 >= 44) continue;
            EXPECT_EQ(decodeWitness(bytes, someUuid()), std::nullopt) << bit;
        }
    for (std::size_t size = 0; size < 64; ++size)
        EXPECT_EQ(decodeWitness(whole.substr(0, size), someUuid()), std::nullopt);
    EXPECT_EQ(decodeWitness(whole, LogUuid{}), std::nullopt) << "of another log";
}

class Witness : public ::testing::Test {
protected:
    Life start() {
        auto life = Life::start(disk_);
        EXPECT_TRUE(succeeded(life));
        return life ? std::move(*life) : Life();
    }
    core::Error refusal() {
        auto life = Life::start(disk_);
        EXPECT_FALSE(life) << "it starts with less than it had";
        return life ? core::Error() : life.error();
    }
    Lsn witnessed() {
        const auto format = readDirectoryFormat(disk_, kDirectory);
        const auto read = readWitness(disk_, kWitness, format->uuid);
        return read && *read ? (*read)->durable : Lsn(0);
    }
    std::vector<Path> segments() {
        std::vector<Path> paths;
        const auto names = listSegments(disk_, kDirectory / "wal");
        for (const auto& name : *names) paths.push_back(kDirectory / "wal" / toString(name));
        return paths;
    }
    // A graceful end after `blocks` blocks of 500 bytes, each its own frame.
    void runToTheEnd(std::uint64_t blocks) {
        auto life = start();
        for (std::uint64_t i = 1; i <= blocks; ++i)
            TM_ASSERT_OK(life.append(plainBlock(std::string(500, 'x'), i)));
        TM_ASSERT_OK(life.log->close());
    }
    void truncate(const Path& path, std::uint64_t bytes) {
        auto file = disk_.open(path, core::OpenMode::kReadWrite);
        TM_ASSERT_OK(file);
        TM_ASSERT_OK((*file)->truncate(bytes));
    }
    void expectRefused(const char* range) {
        const auto before = disk_.contents();
        const auto report = inspectLog(disk_, kDirectory);
        TM_ASSERT_OK(report);
        EXPECT_FALSE(report->sound());
        EXPECT_TRUE(report->decision.refused());
        const auto error = refusal();
        EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
        EXPECT_THAT(error.message, ::testing::HasSubstr(range));
        EXPECT_EQ(disk_.contents(), before) << "a refusal changes nothing";
    }

    SimulatedDisk disk_;
};

TEST_F(Witness, IsWrittenAtEachRotationAndAtTheEnd) {
    {
        auto life = start();
        EXPECT_EQ(witnessed(), Lsn(0));
        for (std::uint64_t i = 1; i <= 12; ++i)
            TM_ASSERT_OK(life.append(plainBlock(std::string(500, 'x'), i)));
        EXPECT_GE(witnessed(), Lsn(6));
        TM_ASSERT_OK(life.log->close());
        EXPECT_EQ(witnessed(), Lsn(12));
    }
    start();
    EXPECT_EQ(witnessed(), Lsn(12)) << "and at each start";
}

TEST_F(Witness, FollowsARunningLog) {
    auto options = Life::writerOptions();
    options.prepareAhead = true;
    auto life = Life::start(disk_, Life::recoverOptions(), options);
    TM_ASSERT_OK(life);
    for (std::uint64_t i = 1; i <= 3; ++i) {
        TM_ASSERT_OK(life->append(plainBlock("x\n", i)));
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (witnessed() != Lsn(i) && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_EQ(witnessed(), Lsn(i));
    }
}

TEST_F(Witness, ANewestSegmentThatWasTruncatedIsMissed) {
    runToTheEnd(10);
    truncate(segments().back(), 64 + 8);
    expectRefused("LSN");
}

TEST_F(Witness, AnOnlySegmentThatWasTruncatedBehindItsHeaderIsMissed) {
    runToTheEnd(3);
    truncate(segments().back(), 64);
    expectRefused("LSNs 1 to 3");
}

TEST_F(Witness, ANewestSegmentTruncatedToNothingIsMissed) {
    runToTheEnd(10);
    truncate(segments().back(), 0);
    expectRefused("cannot be read");
}

TEST_F(Witness, ANewestSegmentThatWasRemovedIsMissed) {
    runToTheEnd(10);
    ASSERT_GE(segments().size(), 2u);
    TM_ASSERT_OK(disk_.unlink(segments().back()));
    expectRefused("to 10");
}

TEST_F(Witness, ANewestSegmentFullOfZerosIsMissed) {
    runToTheEnd(10);
    const auto path = segments().back();
    const auto size = readAll(disk_, path).size();
    auto file = disk_.open(path, core::OpenMode::kReadWrite);
    TM_ASSERT_OK((*file)->writeAt(64, std::string(size - 64, '\0')));
    expectRefused("to 10");
    TM_ASSERT_OK((*file)->writeAt(0, std::string(64, '\0')));
    expectRefused("cannot be read");
}

TEST_F(Witness, ALogThatWasRemovedWholeIsMissed) {
    runToTheEnd(10);
    TM_ASSERT_OK(disk_.removeTree(kDirectory / "wal"));
    expectRefused("LSNs 1 to 10");
}

TEST_F(Witness, WithoutItAStartGoesOnAndSaysWhatCannotBeTold) {
    runToTheEnd(10);
    TM_ASSERT_OK(disk_.unlink(segments().back()));
    TM_ASSERT_OK(disk_.unlink(kWitness));
    auto life = start();
    ASSERT_FALSE(life.recovered.warnings.empty());
    EXPECT_THAT(life.recovered.warnings[0], ::testing::HasSubstr("cannot be told"));
    EXPECT_TRUE(disk_.exists(kWitness));
}

TEST_F(Witness, ADamagedOneIsNoReasonToRefuse) {
    runToTheEnd(4);
    auto file = disk_.open(kWitness, core::OpenMode::kReadWrite);
    TM_ASSERT_OK((*file)->writeAt(0, std::string(1024, 'x')));
    EXPECT_EQ(start().log->last(), Lsn(4));
}

TEST_F(Witness, AWriteThatFailsEndsTheLog) {
    FaultFileSystem faulty(disk_);
    auto options = Life::writerOptions();
    options.prepareAhead = true;
    auto life = Life::start(faulty, Life::recoverOptions(), options);
    TM_ASSERT_OK(life);
    std::atomic<int> errors = 0;
    life->log->onDurable([&](const core::Result<Lsn>& result) { errors += !result; });
    TM_ASSERT_OK(life->append(plainBlock("x\n", 1)));
    faulty.arm(FaultFileSystem::Fault::kErrorForEver, 1);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::uint64_t line = 1;
    while (errors == 0 && std::chrono::steady_clock::now() < until) {
        (void)life->log->append(plainBlock("x\n", ++line));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(errors, 1);
    EXPECT_FALSE(life->log->close());
}

}  // namespace
}  // namespace tidemill::recovery
