// Records of a shard as blocks of the log hold them. Format: docs/formats/kinesis_blocks.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sources/kinesis/kinesis_record.h"

namespace tidemill::sources::kinesis {

// The lane of a shard: "kinesis/APPLICATION/STREAM/SHARD"; without a shard, that of the stream.
std::string laneName(std::string_view application, std::string_view stream, std::string_view shard);

struct LaneParts {
    std::string_view stream, shard;  // views into the name
};
// Nothing for a name that is none of those.
std::optional<LaneParts> partsOfLane(std::string_view lane);

// Bytes of the record in a block, without its length in front.
std::size_t encodedBytes(const KinesisRecord& record);
// Writes exactly so many to `at`. Stream and shard are the lane's and not part of it. Requires a
// sequence number of at most 255 bytes and a partition key of less than 64 KiB.
void encodeRecord(const KinesisRecord& record, char* at);
// All but stream and shard; views into `bytes`. Nothing when they do not parse.
std::optional<KinesisRecord> decodeRecord(std::string_view bytes);

}  // namespace tidemill::sources::kinesis
