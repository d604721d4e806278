#include "recovery/batch_record_codec.h"

#include "core/byte_codec.h"
#include "recovery/frame.h"

namespace tidemill::recovery {
namespace {

constexpr std::uint16_t kVersion = 1;

}  // namespace

std::string encodeBatchRecord(const core::BatchRecord& record) {
    core::ByteWriter out;
    out.u16(kVersion);
    out.u16(kVersion);  // the oldest reader that understands this
    out.u64(record.id.value);
    out.i64(toMillis(record.time));
    out.i64(toMillis(record.zeroTime));
    out.u64(record.endLsn.value);
    out.u64(record.fingerprint);
    out.u32(record.keyRanges);
    out.u32(static_cast<std::uint32_t>(record.cuts.size()));
    for (const auto& cut : record.cuts) {
        out.u32(cut.block);
        out.u32(cut.offsetBytes);
    }
    out.u32(static_cast<std::uint32_t>(record.ranges.size()));
    for (const auto& range : record.ranges) {
        out.u32(range.source.value);
        out.string(range.bytes);
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
    core::BatchRecord record;
    record.id = core::BatchId(in.u64());
    record.time = fromMillis(in.i64());
    record.zeroTime = fromMillis(in.i64());
    record.endLsn = core::Lsn(in.u64());
    record.fingerprint = in.u64();
    record.keyRanges = in.u32();
    record.cuts.resize(in.count(8));
    for (auto& cut : record.cuts) {
        cut.block = in.u32();
        cut.offsetBytes = in.u32();
    }
    record.ranges.resize(in.count(8));
    for (auto& range : record.ranges) {
        range.source = core::SourceId(in.u32());
        range.bytes = in.string(kFramePayloadBytesMax);
    }
    if (!in.finished())
        return core::fail(core::ErrorKind::kCorrupt, "batch record of " +
                                                         std::to_string(bytes.size()) +
                                                         " bytes does not parse");
    return record;
}

}  // namespace tidemill::recovery
