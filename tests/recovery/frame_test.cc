#include "recovery/frame.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "core/crc32c.h"
#include "recovery/batch_record_codec.h"
#include "recovery/segment.h"
#include "tests/recovery/log_fixture.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;
using core::Lsn;

LogUuid goldenUuid() {
    LogUuid uuid;
    for (std::uint8_t i = 0; i < 16; ++i) uuid.bytes[i] = i;
    return uuid;
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        char pair[4];
        std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned char>(bytes[i]));
        text += pair;
        text += (i + 1) % 16 == 0 || i + 1 == bytes.size() ? '\n' : ' ';
    }
    return text;
}

// The example of docs/formats/wal.md, byte for byte.
constexpr char kGoldenHeader[] =
    "54 4d 49 4c 4c 57 41 4c 01 00 01 00 03 00 00 00\n"
    "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n"
    "01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 2c 10 5e 90 00 00 00 00\n";
constexpr char kGoldenData[] =
    "3b 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
    "00 00 00 00 01 00 00 00 00 00 00 00 02 00 00 00\n"
    "00 00 00 00 02 00 00 00 73 31 00 00 00 00 08 00\n"
    "00 00 02 00 00 00 00 00 00 00 74 6f 20 62 65 0a\n"
    "6f 72 0a d2 5f c2 38 00\n";
constexpr char kGoldenRecord[] =
    "63 00 00 00 02 00 00 00 02 00 00 00 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 04 00 04 00 01 00 00 00\n"
    "00 00 00 00 e8 6b e5 cf 8b 01 00 00 00 68 e5 cf\n"
    "8b 01 00 00 01 00 00 00 00 00 00 00 88 77 66 55\n"
    "44 33 22 11 10 00 00 00 01 00 00 00 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 00 00 00 7b f7 37 28 00\n";

TEST(WalFormat, SegmentHeaderIsAsDocumented) {
    const SegmentHeader header{goldenUuid(), 3, Lsn(1), Lsn(0)};
    EXPECT_EQ(hex(encodeSegmentHeader(header)), kGoldenHeader);
    EXPECT_EQ(decodeSegmentHeader(encodeSegmentHeader(header)), header);
}

TEST(WalFormat, DataFrameIsAsDocumented) {
    core::BlockOrigin origin{core::SourceId(0), 0, "", 1, 2, 0};
    core::setLineLane(origin, "s1");
    const auto payload = encodeBlockOrigin(origin) + "to be\nor\n";
    const FrameHeader header{static_cast<std::uint32_t>(payload.size()), FrameType::kData, Lsn(1),
                             Lsn(0)};
    EXPECT_EQ(hex(encodeFrame(header, payload, frameSeed(goldenUuid(), 3))), kGoldenData);
}

TEST(WalFormat, BatchRecordFrameIsAsDocumented) {
    core::BatchRecord record;
    record.batch = core::BatchId(1);
    record.time = fromMillis(1700000001000);
    record.zeroTime = fromMillis(1700000000000);
    record.endLsn = Lsn(1);
    record.cuts = {{0, 0}};
    record.keyRanges = 16;
    record.fingerprint = 0x1122334455667788;
    const auto payload = encodeBatchRecord(record);
    const FrameHeader header{static_cast<std::uint32_t>(payload.size()), FrameType::kBatchRecord,
                             Lsn(2), Lsn(0)};
    EXPECT_EQ(hex(encodeFrame(header, payload, frameSeed(goldenUuid(), 3))), kGoldenRecord);
}

TEST(Frame, HeaderComesBack) {
    const FrameHeader header{77, FrameType::kBatchRecord, Lsn(9), Lsn(8)};
    std::string bytes;
    encodeFrameHeader(header, bytes);
    ASSERT_EQ(bytes.size(), kFrameHeaderBytes);
    EXPECT_EQ(decodeFrameHeader(bytes.data()), header);
}

TEST(Frame, HeaderThatVouchesForItselfIsNone) {
    std::string bytes;
    encodeFrameHeader({1, FrameType::kData, Lsn(9), Lsn(9)}, bytes);
    EXPECT_FALSE(decodeFrameHeader(bytes.data()));
}

TEST(Frame, LengthBeyondTheMaximumIsNone) {
    std::string bytes;
    encodeFrameHeader({kFramePayloadBytesMax + 1, FrameType::kData, Lsn(9), Lsn(1)}, bytes);
    EXPECT_FALSE(decodeFrameHeader(bytes.data()));
}

TEST(Frame, UnknownTypeIsNone) {
    std::string bytes;
    encodeFrameHeader({1, static_cast<FrameType>(3), Lsn(9), Lsn(1)}, bytes);
    EXPECT_FALSE(decodeFrameHeader(bytes.data()));
}

TEST(Frame, SeedsDifferByLogAndEpoch) {
    LogUuid other = goldenUuid();
    other.bytes[15] ^= 1;
    EXPECT_NE(frameSeed(goldenUuid(), 1), frameSeed(goldenUuid(), 2));
    EXPECT_NE(frameSeed(goldenUuid(), 1), frameSeed(other, 1));
}

TEST(Frame, BlockOriginComesBackAndTheRestIsItsBytes) {
    const core::BlockOrigin origin{core::SourceId(3), 1 << 20, "a name", 77, 5, 2};
    const auto payload = encodeBlockOrigin(origin) + std::string("x\0y\n", 4);
    ASSERT_EQ(payload.size(), blockOriginBytes(origin) + 4);
    const auto data = decodeDataPayload(payload);
    TM_ASSERT_OK(data);
    EXPECT_EQ(data->bytes, std::string_view("x\0y\n", 4));
    EXPECT_EQ(data->origin.lane, "a name");
    EXPECT_EQ(data->origin.source, core::SourceId(3));
    EXPECT_EQ(data->origin.connection, 1u << 20);
    EXPECT_EQ(data->origin.nextLine(), 84u);
}

TEST(Frame, EveryShorterBlockOriginIsCorrupt) {
    const auto whole = encodeBlockOrigin({core::SourceId(3), 5, "a name", 77, 5, 2});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto data = decodeDataPayload(std::string_view(whole).substr(0, size));
        ASSERT_FALSE(data) << size;
        EXPECT_EQ(data.error().kind, ErrorKind::kCorrupt);
    }
}

core::BatchRecord fullRecord() {
    core::BatchRecord record;
    record.batch = core::BatchId(12);
    record.time = fromMillis(-5);
    record.zeroTime = fromMillis(1234567890123);
    record.endLsn = Lsn(99);
    record.cuts = {{0, 0}, {1, 4096}, {7, 12}};
    record.keyRanges = 16;
    record.ranges = {{core::SourceId(1), std::string("a\0b", 3)}, {core::SourceId(2), ""}};
    record.fingerprint = ~std::uint64_t{0};
    record.steps = 0x8877665544332211;
    record.onError = core::OnError::kDeadLetter;
    record.nonce = 7;
    record.revision = 3;
    record.skippedByOption = {{Lsn(98), 1}, {Lsn(99), 4}};
    record.allSkippedByOption = true;
    record.notes = {{0, "a note"}, {3, std::string("\0b", 2)}};
    record.failedBefore.elements = {{{3, 0, 0, 1}, std::string("\x00\x02", 2)},
                                    {{3, 0, 1, 0}, "\x05\x01"}};
    return record;
}

TEST(BatchRecordCodec, RecordComesBackEqual) {
    const auto decoded = decodeBatchRecord(encodeBatchRecord(fullRecord()));
    TM_ASSERT_OK(decoded);
    EXPECT_EQ(*decoded, fullRecord());
}

TEST(BatchRecordCodec, EveryShorterOrLongerRecordIsCorrupt) {
    const auto whole = encodeBatchRecord(fullRecord());
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decodeBatchRecord(std::string_view(whole).substr(0, size))) << size;
    EXPECT_FALSE(decodeBatchRecord(whole + "x"));
}

TEST(BatchRecordCodec, HugeCountsAreRefusedBeforeAnythingIsAllocated) {
    auto bytes = encodeBatchRecord(core::BatchRecord());
    const std::size_t cutsAt = 2 + 2 + 8 * 5 + 4;
    for (std::size_t i = 0; i < 4; ++i) bytes[cutsAt + i] = '\xff';
    EXPECT_FALSE(decodeBatchRecord(bytes));
}

TEST(BatchRecordCodec, AnUnknownErrorPolicyIsCorrupt) {
    auto record = fullRecord();
    record.onError = static_cast<core::OnError>(3);
    EXPECT_FALSE(decodeBatchRecord(encodeBatchRecord(record)));
}

TEST(BatchRecordCodec, ListsOfSkippedElementsThatDoNotParseAreCorrupt) {
    auto record = fullRecord();
    record.failedBefore.elements[1].runs = "\x05";
    EXPECT_FALSE(decodeBatchRecord(encodeBatchRecord(record)));
    record = fullRecord();
    std::swap(record.failedBefore.elements[0], record.failedBefore.elements[1]);
    EXPECT_FALSE(decodeBatchRecord(encodeBatchRecord(record)));
}

TEST(BatchRecordCodec, OlderAndNewerFormatsAreUnsupported) {
    for (const char version : {1, 2, 3}) {
        auto old = encodeBatchRecord(fullRecord());
        old[0] = old[2] = version;
        const auto refused = decodeBatchRecord(old);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::kUnsupported);
    }
    auto bytes = encodeBatchRecord(fullRecord());
    bytes[2] = 5;
    const auto decoded = decodeBatchRecord(bytes);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().kind, ErrorKind::kUnsupported);
}

TEST(SegmentName, ComesBackAndSortsAsTheLogIsRead) {
    const SegmentName name{Lsn(12345), 7};
    EXPECT_EQ(toString(name), "00000000000000012345-0000000007.wal");
    EXPECT_EQ(parseSegmentName(toString(name)), name);
    EXPECT_LT(toString(SegmentName{Lsn(9), 8}), toString(SegmentName{Lsn(10), 1}));
}

TEST(SegmentName, OtherNamesAreNone) {
    EXPECT_FALSE(parseSegmentName("next-1.tmp"));
    EXPECT_FALSE(parseSegmentName("0000000000000001234x-0000000007.wal"));
    EXPECT_FALSE(parseSegmentName("00000000000000012345-0000000007.wal.tmp"));
    EXPECT_FALSE(parseSegmentName("99999999999999999999-0000000007.wal"));
}

TEST(SegmentHeader, EachFlippedBitIsSeen) {
    const auto whole = encodeSegmentHeader({goldenUuid(), 3, Lsn(8), Lsn(9)});
    for (std::size_t bit = 0; bit < 8 * (kSegmentHeaderBytes - 4); ++bit) {
        auto bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(decodeSegmentHeader(bytes)) << bit;
    }
}

}  // namespace
}  // namespace tidemill::recovery
