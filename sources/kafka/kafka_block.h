// Records of a partition as blocks of the log hold them. Format: docs/formats/kafka_blocks.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sources/kafka/kafka_record.h"

namespace tidemill::sources::kafka {

// The lane of a partition: "kafka/GROUP/TOPIC/PARTITION".
std::string laneName(std::string_view group, std::string_view topic, std::int32_t partition);

struct LaneParts {
    std::string_view topic;  // a view into the name
    std::int32_t partition = 0;
};
// Nothing for a name that is none of those.
std::optional<LaneParts> partsOfLane(std::string_view lane);

// Bytes of the record in a block, without its length in front.
std::size_t encodedBytes(const KafkaRecord& record);
// Writes exactly so many to `at`. Topic and partition are the lane's and not part of it.
void encodeRecord(const KafkaRecord& record, char* at);
// All but topic and partition; views into `bytes`. Nothing when they do not parse.
std::optional<KafkaRecord> decodeRecord(std::string_view bytes);

// Appends a header to KafkaHeaders::encoded.
void appendHeader(std::string& encoded, const KafkaHeader& header);

// Of a record's encoded bytes: what tells it from another in its place.
std::uint64_t hashOfRecord(std::string_view encoded);

}  // namespace tidemill::sources::kafka
