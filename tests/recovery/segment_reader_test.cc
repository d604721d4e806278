#include "recovery/segment_reader.h"

#include <gtest/gtest.h>

#include "recovery/log_scan.h"
#include "tests/recovery/log_fixture.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;
using Kind = SegmentReader::Step::Kind;

// Segments written byte for byte.
class SegmentReaderTest : public ::testing::Test {
protected:
    SegmentReaderTest() { (void)disk_.createDirectory("/wal"); }

    std::string frame(std::uint64_t lsn, std::string_view text, std::uint64_t knownDurable = 0,
                      std::uint32_t epoch = 1) const {
        const auto payload =
            encodeBlockOrigin({core::SourceId(0), 1, "", lsn, 1, 0}) + std::string(text);
        return encodeFrame({static_cast<std::uint32_t>(payload.size()), FrameType::kData, Lsn(lsn),
                            Lsn(knownDurable)},
                           payload, frameSeed(uuid_, epoch));
    }

    void write(const SegmentName& name, const std::string& frames, std::uint64_t knownDurable = 0) {
        auto bytes = encodeSegmentHeader({uuid_, name.epoch, name.firstLsn,
                                          Lsn(std::max(knownDurable, name.firstLsn.value - 1))}) +
                     frames;
        bytes.resize(std::max<std::size_t>(4096, bytes.size()), '\0');
        auto file = disk_.open(core::Path("/wal") / toString(name), core::OpenMode::kReplace);
        (void)(*file)->writeAt(0, bytes);
    }

    // "1 2 D 4 E": frames by LSN, damage (d when nothing follows it), end.
    std::string story(const SegmentName& name) {
        auto reader = SegmentReader::open(disk_, "/wal", name, uuid_);
        if (!reader) return "error: " + reader.error().message;
        std::string text;
        for (;;) {
            auto step = (*reader)->next();
            if (!step) return "error: " + step.error().message;
            if (step->kind == Kind::kEnd) return text + "E";
            if (step->kind == Kind::kDamage) text += step->damage.atEnd ? "d " : "D ";
            if (step->kind == Kind::kFrame) text += toString(step->frame.header.lsn) + " ";
        }
    }

    tidemill::testing::SimulatedDisk disk_;
    LogUuid uuid_{{1, 2, 3}};
    const SegmentName first_{Lsn(1), 1};
};

TEST_F(SegmentReaderTest, FramesComeInOrderAndZerosAreTheEnd) {
    write(first_, frame(1, "a\n") + frame(2, "") + frame(3, std::string(3000, 'x')));
    EXPECT_EQ(story(first_), "1 2 3 E");
}

TEST_F(SegmentReaderTest, PayloadComesBackByteForByte) {
    write(first_, frame(1, std::string("a\0b\n", 4)));
    auto reader = SegmentReader::open(disk_, "/wal", first_, uuid_);
    TM_ASSERT_OK(reader);
    const auto step = (*reader)->next();
    TM_ASSERT_OK(step);
    const auto data = decodeDataPayload(step->frame.payload);
    TM_ASSERT_OK(data);
    EXPECT_EQ(data->bytes, std::string_view("a\0b\n", 4));
}

TEST_F(SegmentReaderTest, TornTailIsNotCorruption) {
    const auto last = frame(3, std::string(600, 'x'));
    for (std::size_t kept = 8; kept + 8 < last.size(); kept += 8) {
        write(first_, frame(1, "a\n") + frame(2, "b\n") + last.substr(0, kept));
        EXPECT_EQ(story(first_), "1 2 d E") << kept;
    }
}

TEST_F(SegmentReaderTest, FrameBehindDamageIsFound) {
    auto middle = frame(2, "bbbbbbbbbbbbbbbbbb\n");
    middle[30] ^= 1;
    write(first_, frame(1, "a\n") + middle + frame(3, "c\n"));
    EXPECT_EQ(story(first_), "1 D 3 E");
}

TEST_F(SegmentReaderTest, FrameBehindZeroedSectorIsFound) {
    auto bytes = frame(1, "a\n") + frame(2, std::string(2000, 'b')) + frame(3, "c\n");
    std::fill(bytes.begin() + 80, bytes.begin() + 1024, '\0');
    write(first_, bytes);
    EXPECT_EQ(story(first_), "1 D 3 E");
}

TEST_F(SegmentReaderTest, BadLengthIsSteppedOver) {
    auto middle = frame(2, "b\n");
    middle[2] = 0x7f;
    write(first_, frame(1, "a\n") + middle + frame(3, "c\n"));
    EXPECT_EQ(story(first_), "1 D 3 E");
}

TEST_F(SegmentReaderTest, FrameInsideTheBytesOfADamagedFrameIsItsOwnCopyOrNone) {
    // A record may hold anything, an older frame of this log too.
    auto middle = frame(2, std::string(4, ' ') + frame(1, "a\n") + "\n");
    middle[26] ^= 1;
    write(first_, frame(1, "a\n") + middle + frame(3, "c\n"));
    EXPECT_EQ(story(first_), "1 D 3 E");
}

TEST_F(SegmentReaderTest, StaleFramesOfAnotherEpochOrLogFail) {
    write(first_, frame(1, "a\n") + frame(2, "b\n", 0, 2));
    EXPECT_EQ(story(first_), "1 d E");
    LogUuid other = uuid_;
    other.bytes[9] = 1;
    const auto open = SegmentReader::open(disk_, "/wal", first_, other);
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().kind, ErrorKind::kCorrupt);
}

TEST_F(SegmentReaderTest, RepeatedFrameIsDamage) {
    write(first_, frame(1, "a\n") + frame(1, "a\n") + frame(2, "b\n"));
    EXPECT_EQ(story(first_), "1 D 2 E");
}

TEST_F(SegmentReaderTest, RenamedSegmentIsDamage) {
    write(first_, frame(1, "a\n"));
    (void)disk_.rename(core::Path("/wal") / toString(first_),
                       core::Path("/wal") / toString(SegmentName{Lsn(2), 1}));
    EXPECT_THAT(story({Lsn(2), 1}), ::testing::HasSubstr("misnamed"));
}

TEST_F(SegmentReaderTest, EveryFlippedBitIsSeenOrHarmless) {
    const auto frames = frame(1, "a\n") + frame(2, "bcd\n") + frame(3, "e\n");
    for (std::size_t bit = 0; bit < 8 * frames.size(); ++bit) {
        auto bytes = frames;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        write(first_, bytes);
        // The padding behind a frame is covered by nothing, and means nothing.
        EXPECT_THAT(story(first_), ::testing::AnyOf("D 2 3 E", "1 D 3 E", "1 2 d E", "1 2 3 E"))
            << bit;
    }
}

TEST_F(SegmentReaderTest, ScanSaysWhereTheGapIs) {
    write(first_, frame(1, "a\n") + frame(2, "b\n") + frame(4, "d\n", 3));
    const auto scan = scanLog(disk_, "/wal", uuid_, {});
    TM_ASSERT_OK(scan);
    EXPECT_EQ(scan->gaplessLast, Lsn(2));
    EXPECT_EQ(scan->beyondGap, Lsn(4));
    EXPECT_EQ(scan->knownDurable, Lsn(3));
}

TEST_F(SegmentReaderTest, LaterEpochVoidsWhatItReplaces) {
    write(first_, frame(1, "a\n") + frame(2, "b\n") + frame(3, "c\n") + frame(4, "d\n"));
    write({Lsn(5), 1}, frame(5, "e\n"));
    write({Lsn(3), 2}, frame(3, "C\n", 2, 2), 3);
    std::string order;
    LogScanOptions options;
    options.visit = [&](const SegmentScan& segment, const Frame& found) -> core::Result<> {
        order += std::to_string(segment.name.epoch) + ":" + toString(found.header.lsn) + " ";
        return {};
    };
    const auto scan = scanLog(disk_, "/wal", uuid_, options);
    TM_ASSERT_OK(scan);
    EXPECT_EQ(order, "1:1 1:2 2:3 ");
    EXPECT_EQ(scan->gaplessLast, Lsn(3));
    EXPECT_TRUE(scan->segments[0].anySuperseded);
    EXPECT_TRUE(scan->segments[2].supersededWhole());
}

TEST_F(SegmentReaderTest, SegmentsBelowAreSkipped) {
    write(first_, frame(1, "a\n") + frame(2, "b\n"));
    write({Lsn(3), 1}, frame(3, "c\n"));
    LogScanOptions options;
    options.after = Lsn(2);
    const auto scan = scanLog(disk_, "/wal", uuid_, options);
    TM_ASSERT_OK(scan);
    EXPECT_TRUE(scan->segments[0].skipped);
    EXPECT_EQ(scan->gaplessLast, Lsn(3));
}

TEST_F(SegmentReaderTest, LargeFramesAndLongZerosAreReadInPieces) {
    const std::string large(3 << 20, 'x');
    auto damaged = frame(2, "b\n");
    damaged[27] ^= 4;
    write(first_, frame(1, large) + damaged + std::string(2 << 20, '\0') + frame(3, large) +
                      std::string(1 << 20, '\0'));
    EXPECT_EQ(story(first_), "1 D 3 E");
}

}  // namespace
}  // namespace tidemill::recovery
