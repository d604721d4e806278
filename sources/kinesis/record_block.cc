#include "sources/kinesis/record_block.h"

#include <cstdint>
#include <cstring>

#include "core/byte_codec.h"

namespace tidemill::sources::kinesis {
namespace {

constexpr std::string_view kPrefix = "kinesis/";
constexpr std::size_t kFixedBytes = 8 + 4 + 1 + 2;

template <class T>
void put(char*& at, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        *at++ = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

void put(char*& at, std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
}

}  // namespace

std::string laneName(std::string_view application, std::string_view stream,
                     std::string_view shard) {
    return std::string(kPrefix)
        .append(application)
        .append("/")
        .append(stream)
        .append("/")
        .append(shard);
}

std::optional<LaneParts> partsOfLane(std::string_view lane) {
    if (!lane.starts_with(kPrefix)) return std::nullopt;
    const auto last = lane.rfind('/');
    const auto before = lane.rfind('/', last - 1);
    if (before == lane.npos || before < kPrefix.size()) return std::nullopt;
    return LaneParts{lane.substr(before + 1, last - before - 1), lane.substr(last + 1)};
}

std::size_t encodedBytes(const KinesisRecord& record) {
    return kFixedBytes + record.sequenceNumber.size() + record.partitionKey.size() +
           record.data.size();
}

void encodeRecord(const KinesisRecord& record, char* at) {
    put(at, toMillis(record.arrival));
    put(at, record.subIndex);
    put(at, static_cast<std::uint8_t>(record.sequenceNumber.size()));
    put(at, static_cast<std::uint16_t>(record.partitionKey.size()));
    put(at, record.sequenceNumber);
    put(at, record.partitionKey);
    put(at, record.data);
}

std::optional<KinesisRecord> decodeRecord(std::string_view bytes) {
    core::ByteReader in(bytes);
    KinesisRecord record;
    record.arrival = fromMillis(in.i64());
    record.subIndex = in.u32();
    const std::size_t sequenceBytes = in.u8();
    const std::size_t keyBytes = in.u16();
    record.sequenceNumber = in.raw(sequenceBytes);
    record.partitionKey = in.raw(keyBytes);
    if (!in.ok()) return std::nullopt;
    record.data = in.raw(in.left());
    return record;
}

}  // namespace tidemill::sources::kinesis
