#include "sources/kinesis/position.h"

#include <xxhash.h>

#include <algorithm>

#include "core/byte_codec.h"
#include "sources/kinesis/mutant.h"

namespace tidemill::sources::kinesis {
namespace {

// Clocks, and the time between an arrival and its being visible.
constexpr std::int64_t kSlackMillis = 60'000;

core::Result<Position> corrupt(std::string_view bytes) {
    return core::fail(
        core::ErrorKind::kCorrupt,
        "a position in a Kinesis shard does not parse: bytes=" + std::to_string(bytes.size()));
}

}  // namespace

bool isSequenceNumber(std::string_view text) {
    return !text.empty() && text.size() <= kSequenceDigitsMax &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string encodePosition(const Position& position) {
    core::ByteWriter out;
    out.u8(static_cast<std::uint8_t>(position.kind));
    out.i64(position.readUntilMillis);
    if (position.kind == Position::Kind::kTime) out.i64(position.timeMillis);
    if (position.kind == Position::Kind::kRecord) {
        const bool isOneOff = mutant() == Mutant::kResumesOneOff;
        out.u8(static_cast<std::uint8_t>(position.sequence.size()));
        out.raw(position.sequence.data(), position.sequence.size());
        out.u32(position.taken - (isOneOff ? 1 : 0));
        out.i64(position.arrivalMillis);
        out.u64(position.hash);
    }
    return std::move(out).bytes();
}

core::Result<Position> decodePosition(std::string_view bytes) {
    core::ByteReader in(bytes);
    Position position;
    const auto kind = in.u8();
    position.readUntilMillis = in.i64();
    if (kind > static_cast<std::uint8_t>(Position::Kind::kFinished)) return corrupt(bytes);
    position.kind = static_cast<Position::Kind>(kind);
    if (position.kind == Position::Kind::kTime) position.timeMillis = in.i64();
    if (position.kind == Position::Kind::kRecord) {
        const auto digits = in.u8();
        position.sequence = in.raw(digits);
        position.taken = in.u32();
        position.arrivalMillis = in.i64();
        position.hash = in.u64();
        if (!isSequenceNumber(position.sequence)) return corrupt(bytes);
    }
    if (!in.finished()) return corrupt(bytes);
    return position;
}

std::uint64_t hashOfRecord(std::string_view partitionKey, std::string_view data) {
    return XXH3_64bits_withSeed(data.data(), data.size(),
                                XXH3_64bits(partitionKey.data(), partitionKey.size()));
}

bool mayHaveExpired(const Position& position, std::int64_t nowMillis, std::int64_t keptMillis) {
    return position.readUntilMillis + keptMillis - kSlackMillis <= nowMillis;
}

FirstRecord decideFirst(const Position& position, const std::optional<FoundRecord>& found,
                        std::int64_t nowMillis, std::int64_t keptMillis) {
    if (position.kind == Position::Kind::kRecord && found && found->sequence == position.sequence) {
        return found->hash == position.hash ? FirstRecord::kAnchor : FirstRecord::kDifferent;
    }
    return mayHaveExpired(position, nowMillis, keptMillis) ? FirstRecord::kExpired
                                                           : FirstRecord::kNext;
}

std::string encodeStreamPosition(const StreamPosition& position) {
    core::ByteWriter out;
    out.i64(position.createdMillis);
    out.i64(position.listedMillis);
    return std::move(out).bytes();
}

core::Result<StreamPosition> decodeStreamPosition(std::string_view bytes) {
    core::ByteReader in(bytes);
    StreamPosition position{in.i64(), in.i64()};
    if (!in.finished())
        return core::fail(
            core::ErrorKind::kCorrupt,
            "a position of a Kinesis stream does not parse: bytes=" + std::to_string(bytes.size()));
    return position;
}

}  // namespace tidemill::sources::kinesis
