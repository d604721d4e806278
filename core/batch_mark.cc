#include "core/batch_mark.h"

#include "core/byte_codec.h"

namespace tidemill::core {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kNameBytesMax = 4096;

}  // namespace

std::string encodeBatchMark(const BatchMark& mark) {
    ByteWriter out;
    out.u16(kVersion);
    out.u16(kVersion);  // the oldest reader that understands this
    out.u64(mark.batch.value);
    out.i64(toMillis(mark.time));
    out.i64(toMillis(mark.zeroTime));
    out.u64(mark.endLsn.value);
    out.u64(mark.fingerprint);
    out.list(mark.operators, [&](const OperatorEntry& entry) {
        out.u32(entry.id.value);
        out.string(entry.name);
        out.string(entry.signature);
    });
    return std::move(out).bytes();
}

Result<BatchMark> decodeBatchMark(std::string_view bytes) {
    ByteReader in(bytes);
    const auto version = in.u16();
    const auto readerMin = in.u16();
    if (in.ok() && readerMin > kVersion)
        return fail(ErrorKind::kUnsupported,
                    "batch mark has format version " + std::to_string(version) +
                        ", this build reads up to " + std::to_string(kVersion));
    BatchMark mark;
    mark.batch = BatchId(in.u64());
    mark.time = fromMillis(in.i64());
    mark.zeroTime = fromMillis(in.i64());
    mark.endLsn = Lsn(in.u64());
    mark.fingerprint = in.u64();
    in.list(mark.operators, 12, [&](OperatorEntry& entry) {
        entry.id = OperatorId(in.u32());
        entry.name = in.string(kNameBytesMax);
        entry.signature = in.string(kNameBytesMax);
    });
    if (!in.finished())
        return fail(ErrorKind::kCorrupt,
                    "batch mark of " + std::to_string(bytes.size()) + " bytes does not parse");
    return mark;
}

}  // namespace tidemill::core
