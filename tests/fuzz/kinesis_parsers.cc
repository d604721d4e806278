// Answers of AWS, and how far shards are.
#include "aws/settings.h"
#include "sources/kinesis/aggregate.h"
#include "sources/kinesis/answers.h"
#include "sources/kinesis/position.h"
#include "sources/kinesis/record_block.h"
#include "tests/fuzz/parsers.h"

namespace tidemill::fuzz {
namespace {

using namespace sources::kinesis;

void parsePosition(std::string_view bytes) { roundTrip(bytes, decodePosition, encodePosition); }

void parseStreamPosition(std::string_view bytes) {
    roundTrip(bytes, decodeStreamPosition, encodeStreamPosition);
}

void parseRecord(std::string_view bytes) {
    (void)decodeRecord(bytes);
    if (const auto parts = partsOfLane(bytes))
        require(parts->stream.size() + parts->shard.size() < bytes.size(), "more than the lane");
}

void parseAggregateRecord(std::string_view bytes) { (void)unpackAggregate(bytes); }

void parseAnswers(std::string_view bytes) {
    const auto refusedWithReason = [](const auto& answer) {
        require(answer || !answer.error().message.empty(), "a refusal without a reason");
    };
    refusedWithReason(parseSummary(bytes));
    refusedWithReason(parseShards(bytes));
    refusedWithReason(parseIterator(bytes));
    const auto page = parseRecords(bytes);
    refusedWithReason(page);
    if (page) require(page->bytes <= bytes.size(), "records longer than their answer");
}

void parseAwsProfiles(std::string_view bytes) {
    (void)aws::parseProfiles(bytes, false);
    (void)aws::parseProfiles(bytes, true);
}

}  // namespace

std::vector<Parser> kinesisParsers() {
    Position position;
    position.kind = Position::Kind::kRecord;
    position.sequence = "495";
    return {
        {"kinesis_position", parsePosition, {encodePosition(position), encodePosition({})}},
        {"kinesis_stream", parseStreamPosition, {encodeStreamPosition({1, 2})}},
        {"kinesis_record", parseRecord, {laneName("a", "s", "shardId-000000000000")}},
        {"kinesis_aggregate", parseAggregateRecord, {}},
        {"kinesis_answers",
         parseAnswers,
         {R"({"Records":[{"Data":"b25l","PartitionKey":"k","SequenceNumber":"49",)"
          R"("ApproximateArrivalTimestamp":1.5}],"NextShardIterator":"i","MillisBehindLatest":0})",
          R"({"Shards":[{"ShardId":"s","SequenceNumberRange":{"StartingSequenceNumber":"1"}}]})",
          R"({"ShardIterator":"i"})"}},
        {"aws_profiles",
         parseAwsProfiles,
         {"[default]\naws_access_key_id = a\n[profile b]\nregion = eu-west-1\n"}},
    };
}

}  // namespace tidemill::fuzz
