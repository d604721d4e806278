// What a start reads in a data directory.
#include "core/batch_mark.h"
#include "core/logging.h"
#include "core/result_mark.h"
#include "recovery/at_work.h"
#include "recovery/attempts.h"
#include "recovery/batch_record_codec.h"
#include "recovery/data_directory.h"
#include "recovery/durable_witness.h"
#include "recovery/frame.h"
#include "recovery/generations.h"
#include "recovery/inspect.h"
#include "recovery/manifest.h"
#include "recovery/recover.h"
#include "recovery/segment.h"
#include "tests/fuzz/parsers.h"
#include "tests/support/simulated_disk.h"
#include "tidemill/intake.h"
#include "tidemill/source_errors.h"

namespace tidemill::fuzz {
namespace {

using namespace recovery;
using core::Lsn;

constexpr LogUuid kUuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

void parseFrame(std::string_view bytes) {
    if (bytes.size() >= kFrameHeaderBytes)
        if (const auto header = decodeFrameHeader(bytes.data())) {
            std::string again;
            encodeFrameHeader(*header, again);
            require(decodeFrameHeader(again.data()) == header, "another frame header");
        }
    const auto payload = decodeDataPayload(bytes);
    if (!payload) return;
    require(payload->bytes.size() <= bytes.size(), "a block larger than its frame");
    const auto again = decodeDataPayload(encodeBlockOrigin(payload->origin).append(payload->bytes));
    require(again && again->origin.lane == payload->origin.lane &&
                again->origin.nextLine() == payload->origin.nextLine(),
            "another origin");
}

void parseSegmentHeader(std::string_view bytes) {
    roundTrip(bytes, decodeSegmentHeader, encodeSegmentHeader);
}

void parseNames(std::string_view bytes) {
    roundTrip(bytes, parseSegmentName, [](const SegmentName& name) { return toString(name); });
    const auto generation = parseGenerationName(bytes);
    if (!generation) return;
    const auto again = parseGenerationName(toString(*generation));
    require(again && again->batch == generation->batch && again->attempt == generation->attempt,
            "another generation");
}

void parseBatchRecord(std::string_view bytes) {
    roundTrip(bytes, decodeBatchRecord, encodeBatchRecord);
}
void parseManifest(std::string_view bytes) { roundTrip(bytes, decodeManifest, encodeManifest); }
void parseBatchMark(std::string_view bytes) {
    roundTrip(bytes, core::decodeBatchMark, core::encodeBatchMark);
}
void parseResultMark(std::string_view bytes) {
    roundTrip(bytes, core::decodeResultMark, core::encodeResultMark);
}
void parseFormat(std::string_view bytes) {
    roundTrip(bytes, decodeDirectoryFormat, encodeDirectoryFormat);
}
void parseAttempts(std::string_view bytes) { roundTrip(bytes, decodeAttempts, encodeAttempts); }
void parseAtWork(std::string_view bytes) { roundTrip(bytes, decodeAtWork, encodeAtWork); }
void parseIntake(std::string_view bytes) { roundTrip(bytes, decodeIntake, encodeIntake); }
void parseSourceErrors(std::string_view bytes) {
    roundTrip(bytes, decodeSourceErrors, encodeSourceErrors);
}

void parseWitness(std::string_view bytes) {
    roundTrip(
        bytes, [](std::string_view text) { return decodeWitness(text, kUuid); },
        [](const Witnessed& witnessed) { return encodeWitness(kUuid, witnessed); });
}

std::string headerOfSegment() {
    SegmentHeader header;
    header.uuid = kUuid;
    header.epoch = 1;
    header.firstLsn = Lsn(1);
    return encodeSegmentHeader(header);
}

// The first byte: 0 the bytes are those of a segment; 1 they are payloads of frames with right
// checksums, each behind its type and its length in two bytes; more: the same, and the second
// witness says how many were durable.
std::string segmentOf(std::string_view bytes, unsigned kind, std::uint64_t& frames) {
    if (kind == 0) return std::string(bytes);
    std::string segment = headerOfSegment();
    while (bytes.size() >= 3) {
        const auto type = takeByte(bytes) % 2 == 0 ? FrameType::kData : FrameType::kBatchRecord;
        std::size_t length = takeByte(bytes);
        length += 256u * (takeByte(bytes) % 16);
        const auto payload = bytes.substr(0, length);
        bytes.remove_prefix(payload.size());
        FrameHeader header;
        header.payloadBytes = static_cast<std::uint32_t>(payload.size());
        header.type = type;
        header.lsn = Lsn(++frames);
        segment += encodeFrame(header, payload, frameSeed(kUuid, 1));
    }
    return segment;
}

// A start on a directory with that log: twice, for a recovery must come to the same again.
void parseLog(std::string_view bytes) {
    core::setLogLevel(core::LogLevel::kOff);
    const unsigned kind = takeByte(bytes) % 3;
    std::uint64_t frames = 0;
    const std::string segment = segmentOf(bytes, kind, frames);
    testing::SimulatedDisk disk;
    DirectoryFormat format;
    format.uuid = kUuid;
    format.logStarted = true;
    for (const char* directory : {"/data", "/data/wal", "/data/generations"})
        (void)disk.createDirectory(directory);
    (void)core::publishFile(disk, "/data/FORMAT", encodeDirectoryFormat(format));
    (void)core::publishFile(disk, "/data/wal/" + toString(SegmentName{Lsn(1), 1}), segment);
    if (kind == 2)
        (void)publishWitness(disk, "/data/DURABLE", kUuid, {1, Lsn(bytes.size() % (frames + 2))});
    (void)inspectLog(disk, "/data");
    const auto directory = DataDirectory::open(disk, "/data", DataDirectory::Locking::kNone);
    require(static_cast<bool>(directory), "the directory is not taken");
    RecoverOptions options;
    options.ofAnyJob = true;
    options.segmentBytes = 4096;
    const auto first = recover(**directory, options);
    if (!first) return require(!first.error().message.empty(), "a refusal without a reason");
    for (std::size_t i = 0; i < first->batches.size(); ++i) (void)first->blocksOf(i);
    const auto again = recover(**directory, options);
    require(static_cast<bool>(again), "a recovery refuses what one before it has left");
    require(again->batches == first->batches, "a second recovery has other batches");
}

std::string frameExample() {
    core::BlockOrigin origin{core::SourceId(0), 0, "s/a", 7, 2, 0};
    return encodeBlockOrigin(origin) + "one\ntwo\n";
}

std::string recordExample() {
    core::BatchRecord record;
    record.batch = core::BatchId(1);
    record.endLsn = Lsn(1);
    record.cuts = {{0, 0}, {0, 4}};
    record.keyRanges = 16;
    record.ranges = {{core::SourceId(1), "bytes"}};
    record.notes = {{2, "note"}};
    return encodeBatchRecord(record);
}

std::string logExample(char kind) {
    std::string log(1, kind);
    const auto add = [&](char type, const std::string& payload) {
        log += type;
        log += static_cast<char>(payload.size() % 256);
        log += static_cast<char>(payload.size() / 256);
        log += payload;
    };
    add(0, frameExample());
    add(1, recordExample());
    add(0, frameExample());
    return log;
}

core::BatchMark markExample() {
    core::BatchMark mark;
    mark.batch = core::BatchId(7);
    mark.endLsn = Lsn(20);
    mark.operators = {{core::OperatorId(1), "totals", "runningTotals key=string value=i64"}};
    return mark;
}

}  // namespace

std::vector<Parser> logParsers() {
    SegmentHeader header;
    header.uuid = kUuid;
    header.firstLsn = Lsn(3);
    header.knownDurable = Lsn(2);
    DirectoryFormat format;
    format.uuid = kUuid;
    DirectoryFormat fork = format;
    fork.forkAs(kUuid, false);
    Manifest manifest{markExample(), {{"1.sst", 9, "tidemill.crc32c", "00000000"}}};
    core::ResultMark result{toString(kUuid), core::BatchId(7), 3, 1};
    return {
        {"frame", parseFrame, {frameExample()}},
        {"segment_header", parseSegmentHeader, {encodeSegmentHeader(header)}},
        {"names",
         parseNames,
         {toString(SegmentName{Lsn(9), 2}), toString(GenerationName{core::BatchId(4), 2})}},
        {"batch_record", parseBatchRecord, {recordExample()}},
        {"manifest", parseManifest, {encodeManifest(manifest)}},
        {"batch_mark", parseBatchMark, {encodeBatchMark(markExample())}},
        {"result_mark", parseResultMark, {encodeResultMark(result)}},
        {"format", parseFormat, {encodeDirectoryFormat(format), encodeDirectoryFormat(fork)}},
        {"witness", parseWitness, {encodeWitness(kUuid, {1, Lsn(9)})}},
        {"attempts",
         parseAttempts,
         {encodeAttempts({core::BatchId(15), 2, Attempts::How::kThrew, "failed"}),
          encodeAttempts({core::BatchId(15), 1, Attempts::How::kBegun, ""})}},
        {"at_work",
         parseAtWork,
         {encodeAtWork({core::BatchId(3), core::RecordPlace{Lsn(4), 5}, "map 2", "a line"}),
          encodeAtWork({core::BatchId(3), {}, "", ""})}},
        {"intake", parseIntake, {encodeIntake({{"lines", true, {}}, {"more", false, {}}})}},
        {"source_errors",
         parseSourceErrors,
         {encodeSourceErrors({{BatchTime{}, "source 0", "cannot connect", true}})}},
        {"log", parseLog, {logExample(1), logExample(2), std::string(1, '\0') + headerOfSegment()}},
    };
}

}  // namespace tidemill::fuzz
