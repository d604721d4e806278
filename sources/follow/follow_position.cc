#include "sources/follow/follow_position.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/byte_codec.h"
#include "core/mutant.h"

namespace tidemill::sources::follow {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::uint8_t kVersion = 1;

std::string hex(std::uint64_t number) {
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return {digits.data(), end};
}

}  // namespace

FileKey keyOf(const core::FileInfo& info) { return {{info.device, info.inode}, info.bornNanos}; }

void setAnchor(FollowPosition& position, std::string_view before) {
    if (before.size() > kAnchorBytes) before.remove_prefix(before.size() - kAnchorBytes);
    position.anchorBytes = static_cast<std::uint32_t>(before.size());
    position.anchorHash = XXH3_64bits(before.data(), before.size());
}

Result<bool> hasAnchor(core::File& file, const FollowPosition& position) {
    if (position.anchorBytes == 0 || TM_MUTANT(anchor_not_checked)) return true;
    std::array<char, kAnchorBytes> bytes;
    TM_ASSIGN(const auto count, file.readAt(position.offset - position.anchorBytes, bytes.data(),
                                            position.anchorBytes));
    return count == position.anchorBytes && XXH3_64bits(bytes.data(), count) == position.anchorHash;
}

std::string encode(const FollowPosition& position) {
    core::ByteWriter out;
    out.u8(kVersion);
    out.u32(position.generation);
    out.u64(position.offset);
    out.u64(position.lines);
    out.u32(position.anchorBytes);
    out.u64(position.anchorHash);
    return std::move(out).bytes();
}

Result<FollowPosition> decodeFollowPosition(std::string_view bytes) {
    core::ByteReader in(bytes);
    if (const auto version = in.u8(); version != kVersion)
        return core::fail(ErrorKind::kUnsupported, "the position in a followed file has version " +
                                                       std::to_string(version) + ", not " +
                                                       std::to_string(kVersion));
    FollowPosition position;
    position.generation = in.u32();
    position.offset = in.u64();
    position.lines = in.u64();
    position.anchorBytes = in.u32();
    position.anchorHash = in.u64();
    if (!in.finished() ||
        position.anchorBytes > std::min<std::uint64_t>(position.offset, kAnchorBytes))
        return core::fail(ErrorKind::kCorrupt, "the position in a followed file does not parse");
    return position;
}

std::string lanePrefix(std::string_view path) {
    return std::string("follow/").append(path).append("/");
}

std::string laneOf(std::string_view prefix, const FileKey& key) {
    return std::string(prefix)
        .append(toString(key.id))
        .append("-")
        .append(hex(static_cast<std::uint64_t>(key.bornNanos)));
}

std::optional<FileKey> keyOfLane(std::string_view prefix, std::string_view lane) {
    if (!lane.starts_with(prefix)) return std::nullopt;
    const auto name = lane.substr(prefix.size());
    const auto dash = name.rfind('-');
    if (dash == name.npos) return std::nullopt;
    FileKey key;
    if (!parseFileId(name.substr(0, dash), key.id)) return std::nullopt;
    std::uint64_t born = 0;
    const auto digits = name.substr(dash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), born, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    key.bornNanos = static_cast<std::int64_t>(born);
    return key;
}

std::string begunLane(std::string_view prefix) { return std::string(prefix) + "begun"; }

std::string encodeBegun(std::int64_t nanos) {
    core::ByteWriter out;
    out.i64(nanos);
    return std::move(out).bytes();
}

Result<std::int64_t> decodeBegun(std::string_view bytes) {
    core::ByteReader in(bytes);
    const auto nanos = in.i64();
    if (!in.finished())
        return core::fail(ErrorKind::kCorrupt,
                          "the time at which files were followed first does not parse");
    return nanos;
}

}  // namespace tidemill::sources::follow
