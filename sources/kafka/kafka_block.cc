#include "sources/kafka/kafka_block.h"

#include <xxhash.h>

#include <charconv>
#include <cstring>

namespace tidemill {
namespace sources::kafka {
namespace {

constexpr std::string_view kPrefix = "kafka/";

enum Flag : std::uint8_t { kHasKey = 1, kHasValue = 2, kHasHeaders = 4 };
constexpr std::uint8_t kAllFlags = kHasKey | kHasValue | kHasHeaders;

constexpr std::size_t kFixedBytes = 8 + 8 + 1;
constexpr std::size_t kLengthBytes = 4;

template <class T>
void put(char*& at, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        *at++ = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

void put(char*& at, std::string_view bytes) {
    put(at, static_cast<std::uint32_t>(bytes.size()));
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
}

template <class T>
T take(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    bytes.remove_prefix(sizeof(T));
    return static_cast<T>(value);
}

// False: the bytes do not hold it.
bool take(std::string_view& bytes, std::string_view& into) {
    if (bytes.size() < kLengthBytes) return false;
    const auto size = take<std::uint32_t>(bytes);
    if (size > bytes.size()) return false;
    into = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return true;
}

// False: the bytes do not begin with a header.
bool takeHeader(std::string_view& bytes, KafkaHeader& header) {
    if (!take(bytes, header.name) || bytes.empty()) return false;
    header.value.reset();
    if (take<std::uint8_t>(bytes) == 0) return true;
    std::string_view value;
    if (!take(bytes, value)) return false;
    header.value = value;
    return true;
}

}  // namespace

std::string laneName(std::string_view group, std::string_view topic, std::int32_t partition) {
    return std::string(kPrefix).append(group).append("/").append(topic).append("/").append(
        std::to_string(partition));
}

std::optional<LaneParts> partsOfLane(std::string_view lane) {
    const auto last = lane.rfind('/');
    if (!lane.starts_with(kPrefix) || last == lane.npos || last == 0) return std::nullopt;
    const auto before = lane.rfind('/', last - 1);
    if (before == lane.npos || before < kPrefix.size()) return std::nullopt;
    LaneParts parts{lane.substr(before + 1, last - before - 1), 0};
    const auto number = lane.substr(last + 1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), parts.partition);
    if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
    return parts;
}

std::size_t encodedBytes(const KafkaRecord& record) {
    return kFixedBytes + (record.key ? kLengthBytes + record.key->size() : 0) +
           (record.headers.empty() ? 0 : kLengthBytes + record.headers.encoded.size()) +
           (record.value ? record.value->size() : 0);
}

void encodeRecord(const KafkaRecord& record, char* at) {
    put(at, record.offset);
    put(at, toMillis(record.timestamp));
    put(at, static_cast<std::uint8_t>((record.key ? kHasKey : 0) | (record.value ? kHasValue : 0) |
                                      (record.headers.empty() ? 0 : kHasHeaders)));
    if (record.key) put(at, *record.key);
    if (!record.headers.empty()) put(at, record.headers.encoded);
    if (record.value && !record.value->empty())
        std::memcpy(at, record.value->data(), record.value->size());
}

std::optional<KafkaRecord> decodeRecord(std::string_view bytes) {
    if (bytes.size() < kFixedBytes) return std::nullopt;
    KafkaRecord record;
    record.offset = take<std::int64_t>(bytes);
    record.timestamp = fromMillis(take<std::int64_t>(bytes));
    const auto flags = take<std::uint8_t>(bytes);
    if ((flags & ~kAllFlags) != 0) return std::nullopt;
    if ((flags & kHasKey) != 0) {
        std::string_view key;
        if (!take(bytes, key)) return std::nullopt;
        record.key = key;
    }
    if ((flags & kHasHeaders) != 0) {
        if (!take(bytes, record.headers.encoded)) return std::nullopt;
        KafkaHeader header;
        for (auto rest = record.headers.encoded; !rest.empty();)
            if (!takeHeader(rest, header)) return std::nullopt;
    }
    if ((flags & kHasValue) != 0) record.value = bytes;
    else if (!bytes.empty()) return std::nullopt;
    return record;
}

void appendHeader(std::string& encoded, const KafkaHeader& header) {
    std::string bytes(
        2 * kLengthBytes + 1 + header.name.size() + (header.value ? header.value->size() : 0),
        '\0');
    char* at = bytes.data();
    put(at, header.name);
    put(at, static_cast<std::uint8_t>(header.value ? 1 : 0));
    if (header.value) put(at, *header.value);
    encoded.append(bytes.data(), static_cast<std::size_t>(at - bytes.data()));
}

std::uint64_t hashOfRecord(std::string_view encoded) {
    return XXH3_64bits(encoded.data(), encoded.size());
}

}  // namespace sources::kafka

KafkaHeader KafkaHeaders::next(std::string_view& rest) {
    KafkaHeader header;
    // Checked when the record was read from its block.
    if (!sources::kafka::takeHeader(rest, header)) rest = {};
    return header;
}

std::optional<std::string_view> KafkaHeaders::find(std::string_view name) const {
    std::optional<std::string_view> found;
    forEach([&](const KafkaHeader& header) {
        if (header.name == name) found = header.value;
    });
    return found;
}

}  // namespace tidemill
