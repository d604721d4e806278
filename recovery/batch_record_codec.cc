#include "recovery/batch_record_codec.h"

#include "core/byte_codec.h"
#include "core/mutant.h"
#include "core/output.h"
#include "recovery/frame.h"

namespace tidemill::recovery {
namespace {

constexpr std::uint16_t kVersion = 4;

}  // namespace

std::string encodeBatchRecord(const core::BatchRecord& record) {
    core::ByteWriter out;
    out.u16(kVersion);
    out.u16(kVersion);  // the oldest reader that understands this
    out.u64(record.batch.value);
    out.i64(toMillis(record.time));
    out.i64(toMillis(record.zeroTime));
    out.u64(record.endLsn.value);
    out.u64(record.fingerprint);
    out.u32(record.keyRanges);
    out.list(record.cuts, [&](const core::CutPoint& cut) {
        out.u32(cut.block);
        out.u32(cut.offsetBytes);
    });
    out.list(record.ranges, [&](const core::SourceRange& range) {
        out.u32(range.source.value);
        out.string(range.bytes);
    });
    out.u64(TM_MUTANT(filter_not_recorded) ? 0 : record.steps);
    const auto policy = TM_MUTANT(policy_not_recorded) ? core::OnError::kStop : record.onError;
    out.u8(static_cast<std::uint8_t>(policy));
    out.u64(record.nonce);
    out.u32(record.revision);
    out.list(record.skippedByOption, [&](const core::RecordPlace& place) {
        out.u64(place.lsn.value);
        out.u32(place.line);
    });
    out.u8(record.allSkippedByOption ? 1 : 0);
    out.u32(static_cast<std::uint32_t>(record.notes.size()));
    for (const auto& note : record.notes) {
        out.u32(note.output);
        out.string(note.bytes);
    }
    out.u8(record.failedBefore.unknown ? 1 : 0);
    out.u32(static_cast<std::uint32_t>(record.failedBefore.elements.size()));
    for (const auto& [input, runs] : record.failedBefore.elements) {
        out.u32(input.node);
        out.u32(input.scanNumber);
        out.u64(input.way);
        out.u32(input.partition);
        out.string(runs);
    }
    return std::move(out).bytes();
}

core::Result<core::BatchRecord> decodeBatchRecord(std::string_view bytes) {
    core::ByteReader in(bytes);
    const auto version = in.u16();
    const auto readerMin = in.u16();
    if (in.ok() && readerMin > kVersion)
        return core::fail(core::ErrorKind::kUnsupported,
                          "batch record has format version " + std::to_string(version) +
                              ", this build reads up to " + std::to_string(kVersion));
    // Versions 1 to 3 were of builds before the first release.
    if (in.ok() && version < kVersion)
        return core::fail(core::ErrorKind::kUnsupported,
                          "batch record has format version " + std::to_string(version) +
                              ", which no release wrote; this build reads version " +
                              std::to_string(kVersion) + ": begin with a new data directory");
    core::BatchRecord record;
    record.batch = core::BatchId(in.u64());
    record.time = fromMillis(in.i64());
    record.zeroTime = fromMillis(in.i64());
    record.endLsn = core::Lsn(in.u64());
    record.fingerprint = in.u64();
    record.keyRanges = in.u32();
    in.list(record.cuts, 8, [&](core::CutPoint& cut) {
        cut.block = in.u32();
        cut.offsetBytes = in.u32();
    });
    in.list(record.ranges, 8, [&](core::SourceRange& range) {
        range.source = core::SourceId(in.u32());
        range.bytes = in.string(kFramePayloadBytesMax);
    });
    record.steps = in.u64();
    const auto onError = in.u8();
    record.onError = static_cast<core::OnError>(onError);
    record.nonce = in.u64();
    record.revision = in.u32();
    in.list(record.skippedByOption, 12, [&](core::RecordPlace& place) {
        place.lsn = core::Lsn(in.u64());
        place.line = in.u32();
    });
    record.allSkippedByOption = in.u8() != 0;
    record.notes.resize(in.count(8));
    for (auto& note : record.notes) {
        note.output = in.u32();
        note.bytes = in.string(core::kOutputNoteBytesMax);
    }
    record.failedBefore.unknown = in.u8() != 0;
    record.failedBefore.elements.resize(in.count(24));
    bool ordered = true;
    const core::SkippedElements* before = nullptr;
    for (auto& skipped : record.failedBefore.elements) {
        skipped.input.node = in.u32();
        skipped.input.scanNumber = in.u32();
        skipped.input.way = in.u64();
        skipped.input.partition = in.u32();
        skipped.runs = in.string(kFramePayloadBytesMax);
        ordered = ordered && (before == nullptr || before->input < skipped.input) &&
                  core::isWellFormed(skipped.runs);
        before = &skipped;
    }
    if (!in.finished() || !ordered ||
        onError > static_cast<std::uint8_t>(core::OnError::kDeadLetter))
        return core::fail(
            core::ErrorKind::kCorrupt,
            "batch record of " + std::to_string(bytes.size()) + " bytes does not parse");
    return record;
}

}  // namespace tidemill::recovery
