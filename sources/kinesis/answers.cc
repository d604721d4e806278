#include "sources/kinesis/answers.h"

#include <algorithm>

#include "aws/json.h"
#include "aws/kinesis.h"

namespace tidemill::sources::kinesis {

using aws::JsonAnswer;
using aws::JsonObject;
using aws::quoted;
using core::Result;

namespace {

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kTokenBytesMax = 1 << 20;
constexpr std::size_t kIteratorBytesMax = 16 << 10;
constexpr std::size_t kKeyBytesMax = 1'024;  // 256 characters
constexpr std::size_t kShardsMax = 10'000;   // of a page
constexpr std::int64_t kHourMillis = 3'600'000;
constexpr std::int64_t kHoursMax = 24 * 3'660;

std::string inSeconds(std::int64_t millis) {
    auto fraction = std::to_string(1'000 + millis % 1'000);
    fraction[0] = '.';
    return std::to_string(millis / 1'000) + fraction;
}

void checkName(JsonObject& object, const char* field, std::string_view name) {
    if (!aws::isStreamName(name)) object.fault(field, "is no name");
}

ShardInfo shardOf(JsonObject& object) {
    ShardInfo shard;
    shard.id = object.requiredText("ShardId", kNameBytesMax);
    checkName(object, "ShardId", shard.id);
    shard.parent = object.text("ParentShardId", kNameBytesMax).value_or("");
    shard.otherParent = object.text("AdjacentParentShardId", kNameBytesMax).value_or("");
    if (auto range = object.object("SequenceNumberRange"))
        shard.isOpen = !range->text("EndingSequenceNumber", kSequenceDigitsMax).has_value();
    return shard;
}

ServiceRecord recordOf(JsonObject& object) {
    ServiceRecord record;
    const auto data = aws::decodeBase64(object.requiredText("Data", kRecordsAnswerBytesMax));
    if (!data) object.fault("Data", "is no base64");
    record.data = data.value_or("");
    record.partitionKey = object.requiredText("PartitionKey", kKeyBytesMax);
    record.sequence = object.requiredText("SequenceNumber", kSequenceDigitsMax);
    if (!isSequenceNumber(record.sequence)) object.fault("SequenceNumber", "is no number");
    record.arrivalMillis = object.millis("ApproximateArrivalTimestamp").value_or(0);
    return record;
}

}  // namespace

std::string summaryRequest(std::string_view stream) {
    return "{\"StreamName\":" + quoted(stream) + "}";
}

std::string shardsRequest(std::string_view stream, std::string_view token) {
    if (!token.empty()) return "{\"NextToken\":" + quoted(token) + "}";
    return summaryRequest(stream);
}

std::string iteratorRequest(std::string_view stream, std::string_view shard,
                            const Position& position) {
    const std::string where = "{\"StreamName\":" + quoted(stream) + ",\"ShardId\":" + quoted(shard);
    switch (position.kind) {
        case Position::Kind::kRecord:
            return where +
                   ",\"ShardIteratorType\":\"AT_SEQUENCE_NUMBER\",\"StartingSequenceNumber\":" +
                   quoted(position.sequence) + "}";
        case Position::Kind::kTime:
            return where + ",\"ShardIteratorType\":\"AT_TIMESTAMP\",\"Timestamp\":" +
                   inSeconds(position.timeMillis) + "}";
        default: return where + ",\"ShardIteratorType\":\"TRIM_HORIZON\"}";
    }
}

std::string recordsRequest(std::string_view iterator, std::uint32_t recordsMax) {
    return "{\"ShardIterator\":" + quoted(iterator) + ",\"Limit\":" + std::to_string(recordsMax) +
           "}";
}

Result<StreamSummary> parseSummary(std::string_view body) {
    JsonAnswer answer;
    TM_ASSIGN(auto whole, answer.parse(body));
    StreamSummary summary;
    auto object = whole.object("StreamDescriptionSummary");
    if (!object) {
        whole.fault("StreamDescriptionSummary", "is missing");
    } else {
        summary.createdMillis = object->requiredMillis("StreamCreationTimestamp");
        const auto hours = object->integer("RetentionPeriodHours");
        if (!hours || *hours < 1 || *hours > kHoursMax)
            object->fault("RetentionPeriodHours", "is missing, or no number of hours");
        summary.keptMillis = hours.value_or(0) * kHourMillis;
        summary.status = object->requiredText("StreamStatus", kNameBytesMax);
    }
    TM_TRY(answer.checked());
    return summary;
}

Result<ShardsPage> parseShards(std::string_view body) {
    JsonAnswer answer;
    TM_ASSIGN(auto whole, answer.parse(body));
    ShardsPage page;
    whole.each("Shards", kShardsMax,
               [&](JsonObject object) { page.shards.push_back(shardOf(object)); });
    page.next = whole.text("NextToken", kTokenBytesMax).value_or("");
    TM_TRY(answer.checked());
    return page;
}

Result<std::string> parseIterator(std::string_view body) {
    JsonAnswer answer;
    TM_ASSIGN(auto whole, answer.parse(body));
    std::string iterator(whole.requiredText("ShardIterator", kIteratorBytesMax));
    TM_TRY(answer.checked());
    return iterator;
}

Result<RecordsPage> parseRecords(std::string_view body) {
    JsonAnswer answer;
    TM_ASSIGN(auto whole, answer.parse(body));
    RecordsPage page;
    whole.each("Records", kRecordsAtOnceMax, [&](JsonObject object) {
        page.records.push_back(recordOf(object));
        page.bytes += page.records.back().data.size() + page.records.back().partitionKey.size();
    });
    page.next = whole.text("NextShardIterator", kIteratorBytesMax).value_or("");
    page.behindMillis = std::max<std::int64_t>(whole.integer("MillisBehindLatest").value_or(0), 0);
    TM_TRY(answer.checked());
    return page;
}

}  // namespace tidemill::sources::kinesis
