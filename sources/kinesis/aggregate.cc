#include "sources/kinesis/aggregate.h"

#include <openssl/evp.h>

#include <cstdint>

namespace tidemill::sources::kinesis {
namespace {

// message AggregatedRecord {
//   repeated string partition_key_table = 1;  repeated string explicit_hash_key_table = 2;
//   repeated Record records = 3;
// }
// message Record {
//   required uint64 partition_key_index = 1;  optional uint64 explicit_hash_key_index = 2;
//   required bytes data = 3;                  repeated Tag tags = 4;
// }
constexpr std::string_view kMagic("\xF3\x89\x9A\xC2", 4);
constexpr std::size_t kDigestBytes = 16;
constexpr std::size_t kRecordsMax = 100'000;

enum class Wire : std::uint8_t { kVarint = 0, kEight = 1, kBytes = 2, kFour = 5 };

struct Field {
    std::uint64_t number = 0;
    Wire wire = Wire::kVarint;
    std::uint64_t value = 0;  // kVarint
    std::string_view bytes;   // the others
};

class Message {
public:
    explicit Message(std::string_view bytes) : rest_(bytes) {}

    // False at the end, and when the bytes are none: see isWhole().
    bool next(Field& field) {
        if (rest_.empty() || !ok_) return false;
        const auto key = varint();
        field.number = key >> 3;
        field.wire = static_cast<Wire>(key & 7);
        switch (field.wire) {
            case Wire::kVarint: field.value = varint(); break;
            case Wire::kBytes: field.bytes = take(varint()); break;
            case Wire::kEight: field.bytes = take(8); break;
            case Wire::kFour: field.bytes = take(4); break;
            default: ok_ = false;
        }
        ok_ = ok_ && field.number != 0;
        return ok_;
    }
    bool isWhole() const { return ok_; }

private:
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (rest_.empty()) break;
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            if (shift == 63 && byte > 1) break;
            value |= std::uint64_t{byte & 0x7fU} << shift;
            if ((byte & 0x80) == 0) return value;
        }
        ok_ = false;
        return 0;
    }
    std::string_view take(std::uint64_t size) {
        if (!ok_ || size > rest_.size()) {
            ok_ = false;
            return {};
        }
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
    bool ok_ = true;
};

struct RawRecord {
    std::optional<std::uint64_t> key, hashKey;
    std::optional<std::string_view> data;
};

std::optional<RawRecord> rawRecord(std::string_view bytes) {
    RawRecord record;
    Message message(bytes);
    for (Field field; message.next(field);) {
        const bool isNumber = field.number == 1 || field.number == 2;
        const bool isBytes = field.number == 3 || field.number == 4;
        if ((isNumber && field.wire != Wire::kVarint) || (isBytes && field.wire != Wire::kBytes))
            return std::nullopt;
        if (field.number == 1) record.key = field.value;
        if (field.number == 2) record.hashKey = field.value;
        if (field.number == 3) record.data = field.bytes;
    }
    if (!message.isWhole() || !record.key || !record.data) return std::nullopt;
    return record;
}

bool hasDigest(std::string_view message, std::string_view digest) {
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(message.data(), message.size(), made, &size, EVP_md5(), nullptr) != 1)
        return false;
    return std::string_view(reinterpret_cast<const char*>(made), size) == digest;
}

}  // namespace

std::optional<std::vector<SubRecord>> unpackAggregate(std::string_view data) {
    if (data.size() < kMagic.size() + kDigestBytes || !data.starts_with(kMagic))
        return std::nullopt;
    const auto body = data.substr(kMagic.size(), data.size() - kMagic.size() - kDigestBytes);
    if (!hasDigest(body, data.substr(data.size() - kDigestBytes))) return std::nullopt;

    std::vector<std::string_view> keys;
    std::size_t hashKeys = 0;
    std::vector<RawRecord> raw;
    Message message(body);
    for (Field field; message.next(field);) {
        if (field.number > 3) continue;
        if (field.wire != Wire::kBytes) return std::nullopt;
        if (keys.size() + hashKeys + raw.size() == 3 * kRecordsMax || raw.size() == kRecordsMax)
            return std::nullopt;
        if (field.number == 1) {
            keys.push_back(field.bytes);
        } else if (field.number == 2) {
            ++hashKeys;
        } else {
            const auto record = rawRecord(field.bytes);
            if (!record) return std::nullopt;
            raw.push_back(*record);
        }
    }
    if (!message.isWhole()) return std::nullopt;

    std::vector<SubRecord> records;
    records.reserve(raw.size());
    for (const auto& record : raw) {
        if (*record.key >= keys.size() || (record.hashKey && *record.hashKey >= hashKeys))
            return std::nullopt;
        records.push_back({keys[*record.key], *record.data});
    }
    return records;
}

}  // namespace tidemill::sources::kinesis
