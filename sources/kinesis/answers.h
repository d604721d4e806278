// What a Kinesis source asks for, and the answers, read strictly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "sources/kinesis/position.h"

namespace tidemill::sources::kinesis {

// An answer to GetRecords has at most 10 MiB of data, or one record that is larger, in base64.
inline constexpr std::size_t kRecordsAnswerBytesMax = 32 << 20;
inline constexpr std::size_t kAnswerBytesMax = 4 << 20;  // of the others
inline constexpr std::uint32_t kRecordsAtOnceMax = 10'000;

std::string summaryRequest(std::string_view stream);
// `token`: of the answer before; empty: the first.
std::string shardsRequest(std::string_view stream, std::string_view token);
// From the position, with its anchor as the first record.
std::string iteratorRequest(std::string_view stream, std::string_view shard,
                            const Position& position);
std::string recordsRequest(std::string_view iterator, std::uint32_t recordsMax);

struct StreamSummary {
    std::int64_t createdMillis = 0;
    std::int64_t keptMillis = 0;  // how long it keeps records
    std::string status;           // "ACTIVE"
};

struct ShardInfo {
    std::string id;
    std::string parent, otherParent;  // of a shard that a split or a merge made; else empty
    bool isOpen = true;
};
struct ShardsPage {
    std::vector<ShardInfo> shards;
    std::string next;  // the token of the next page; empty: this is the last
};

struct ServiceRecord {
    std::string data;
    std::string partitionKey;
    std::string sequence;
    std::int64_t arrivalMillis = 0;
};
struct RecordsPage {
    std::vector<ServiceRecord> records;
    std::string next;  // the next iterator; empty: the shard ends here
    std::int64_t behindMillis = 0;
    std::size_t bytes = 0;  // of data and keys
};

// Errors: kCorrupt.
core::Result<StreamSummary> parseSummary(std::string_view body);
core::Result<ShardsPage> parseShards(std::string_view body);
core::Result<std::string> parseIterator(std::string_view body);
core::Result<RecordsPage> parseRecords(std::string_view body);

}  // namespace tidemill::sources::kinesis
