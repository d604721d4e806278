#include "recovery/segment.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "core/byte_codec.h"
#include "core/crc32c.h"

namespace tidemill::recovery {
namespace {

using core::ErrorKind;

constexpr std::string_view kMagic = "TMILLWAL";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kChecksummedBytes = kSegmentHeaderBytes - 8;
constexpr std::string_view kSuffix = ".wal";

template <class T>
bool digits(std::string_view text, T& value) {
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return false;
    const auto end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

std::string encodeSegmentHeader(const SegmentHeader& header) {
    core::ByteWriter out;
    out.raw(kMagic.data(), kMagic.size());
    out.u16(kVersion);
    out.u16(kVersion);  // the oldest reader that understands this
    out.u32(header.epoch);
    out.raw(header.uuid.bytes.data(), header.uuid.bytes.size());
    out.u64(header.firstLsn.value);
    out.u64(header.knownDurable.value);
    out.u64(0);
    out.u32(core::crc32c(0, out.bytes().data(), out.bytes().size()));
    out.u32(0);
    return std::move(out).bytes();
}

core::Result<SegmentHeader> decodeSegmentHeader(std::string_view bytes) {
    if (bytes.size() < kSegmentHeaderBytes)
        return core::fail(ErrorKind::kCorrupt,
                          "segment header is cut short: bytes=" + std::to_string(bytes.size()));
    core::ByteReader in(bytes.substr(0, kSegmentHeaderBytes));
    const auto magic = in.raw(kMagic.size());
    const auto version = in.u16();
    const auto readerMin = in.u16();
    SegmentHeader header;
    header.epoch = in.u32();
    const auto uuid = in.raw(header.uuid.bytes.size());
    std::copy(uuid.begin(), uuid.end(), header.uuid.bytes.begin());
    header.firstLsn = core::Lsn(in.u64());
    header.knownDurable = core::Lsn(in.u64());
    in.u64();
    const auto expected = in.u32();
    const auto actual = core::crc32c(0, bytes.data(), kChecksummedBytes);
    if (magic != kMagic || expected != actual)
        return core::fail(ErrorKind::kCorrupt,
                          "segment header checksum mismatch: expected=" + std::to_string(expected) +
                              " actual=" + std::to_string(actual));
    if (readerMin > kVersion)
        return core::fail(ErrorKind::kUnsupported,
                          "segment has format version " + std::to_string(version) +
                              ", this build reads up to " + std::to_string(kVersion));
    if (header.firstLsn.value == 0 || header.knownDurable.value + 1 < header.firstLsn.value)
        return core::fail(
            ErrorKind::kCorrupt,
            "segment header says that less is durable than what precedes it: first LSN=" +
                toString(header.firstLsn) + " durable=" + toString(header.knownDurable));
    return header;
}

std::string toString(const SegmentName& name) {
    char text[48];
    std::snprintf(text, sizeof text, "%020llu-%010u.wal",
                  static_cast<unsigned long long>(name.firstLsn.value), name.epoch);
    return text;
}

std::optional<SegmentName> parseSegmentName(std::string_view text) {
    SegmentName name;
    if (text.size() != 20 + 1 + 10 + kSuffix.size() || text[20] != '-' || !text.ends_with(kSuffix))
        return std::nullopt;
    if (!digits(text.substr(0, 20), name.firstLsn.value) ||
        !digits(text.substr(21, 10), name.epoch))
        return std::nullopt;
    return name;
}

core::Result<std::vector<SegmentName>> listSegments(core::FileSystem& files,
                                                    const core::Path& directory) {
    TM_ASSIGN(const auto names, files.list(directory));
    std::vector<SegmentName> segments;
    for (const auto& text : names)
        if (const auto name = parseSegmentName(text)) segments.push_back(*name);
    std::sort(segments.begin(), segments.end());
    return segments;
}

}  // namespace tidemill::recovery
