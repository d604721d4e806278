#include "recovery/frame.h"

#include "core/byte_codec.h"
#include "core/check.h"
#include "core/crc32c.h"
#include "core/lanes.h"
#include "core/mutant.h"

namespace tidemill::recovery {
namespace {

constexpr std::size_t kOriginFixedBytes = 4 + 8 + 8 + 4 + 4 + 3 * 4;

void little(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

}  // namespace

std::uint32_t frameSeed(const LogUuid& uuid, std::uint32_t epoch) {
    if (TM_MUTANT(checksum_not_seeded)) return 0;
    core::ByteWriter out;
    out.raw(uuid.bytes.data(), uuid.bytes.size());
    out.u32(epoch);
    return core::crc32c(0, out.bytes().data(), out.bytes().size());
}

void encodeFrameHeader(const FrameHeader& header, std::string& out) {
    little(out, header.payloadBytes, 4);
    little(out, static_cast<std::uint32_t>(header.type), 4);
    little(out, header.lsn.value, 8);
    little(out, header.knownDurable.value, 8);
}

std::optional<FrameHeader> decodeFrameHeader(const char* bytes) {
    core::ByteReader in({bytes, kFrameHeaderBytes});
    FrameHeader header;
    header.payloadBytes = in.u32();
    const auto type = in.u32();
    header.lsn = core::Lsn(in.u64());
    header.knownDurable = core::Lsn(in.u64());
    if (type != static_cast<std::uint32_t>(FrameType::kData) &&
        type != static_cast<std::uint32_t>(FrameType::kBatchRecord))
        return std::nullopt;
    header.type = static_cast<FrameType>(type);
    if (header.payloadBytes > kFramePayloadBytesMax || header.knownDurable >= header.lsn)
        return std::nullopt;
    return header;
}

void encodeFrameEnd(std::uint32_t crc, std::uint64_t payloadBytes, std::string& out) {
    little(out, crc, 4);
    const auto raw = kFrameHeaderBytes + payloadBytes + kFrameChecksumBytes;
    out.append(frameBytes(payloadBytes) - raw, '\0');
}

std::string encodeFrame(const FrameHeader& header, std::string_view payload, std::uint32_t seed) {
    TM_CHECK(header.payloadBytes == payload.size(), "frame header and payload differ in size");
    std::string out;
    out.reserve(frameBytes(payload.size()));
    encodeFrameHeader(header, out);
    out.append(payload);
    encodeFrameEnd(core::crc32c(seed, out.data(), out.size()), payload.size(), out);
    return out;
}

std::size_t blockOriginBytes(const core::BlockOrigin& origin) {
    return kOriginFixedBytes + origin.lane.size() + origin.from.size() + origin.to.size();
}

std::string encodeBlockOrigin(const core::BlockOrigin& origin) {
    core::ByteWriter out;
    out.u32(origin.source.value);
    out.u64(origin.connection);
    out.u64(origin.firstLine);
    out.u32(origin.lines);
    out.u32(origin.oversize);
    out.string(origin.lane);
    out.string(origin.from);
    out.string(origin.to);
    return std::move(out).bytes();
}

core::Result<DataPayload> decodeDataPayload(std::string_view payload) {
    core::ByteReader in(payload);
    DataPayload data;
    data.origin.source = core::SourceId(in.u32());
    data.origin.connection = in.u64();
    data.origin.firstLine = in.u64();
    data.origin.lines = in.u32();
    data.origin.oversize = in.u32();
    data.origin.lane = in.string(core::kLaneBytesMax);
    data.origin.from = in.string(core::kPositionBytesMax);
    data.origin.to = in.string(core::kPositionBytesMax);
    if (!in.ok())
        return core::fail(core::ErrorKind::kCorrupt,
                          "block header of a data frame does not parse: payload bytes=" +
                              std::to_string(payload.size()));
    data.bytes = payload.substr(blockOriginBytes(data.origin));
    return data;
}

}  // namespace tidemill::recovery
