// The parts of a Kinesis source that need no service: answers, aggregates, positions, blocks.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "aws/json.h"
#include "aws/kinesis.h"
#include "core/memory_log.h"
#include "sources/kinesis/aggregate.h"
#include "sources/kinesis/answers.h"
#include "sources/kinesis/check_options.h"
#include "sources/kinesis/lane_block.h"
#include "sources/kinesis/record_block.h"
#include "sources/kinesis/shard_reader.h"

namespace tidemill::sources::kinesis {
namespace {

std::string varint(std::uint64_t value) {
    std::string out;
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    return out += static_cast<char>(value);
}
std::string bytesField(int number, std::string_view bytes) {
    return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(bytes.size()) +
           std::string(bytes);
}
std::string withDigest(const std::string& message) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(message.data(), message.size(), digest, &size, EVP_md5(), nullptr);
    return "\xF3\x89\x9A\xC2" + message + std::string(reinterpret_cast<char*>(digest), size);
}
std::string subRecord(std::uint64_t key, std::string_view data) {
    return bytesField(3, varint(1 << 3) + varint(key) + bytesField(3, data));
}

TEST(KinesisAggregate, GivesItsRecordsInOrder) {
    const auto message =
        bytesField(1, "k0") + bytesField(1, "k1") + bytesField(2, "12345") + subRecord(1, "one") +
        subRecord(0, "") +
        bytesField(3, varint(1 << 3) + varint(1) + varint(2 << 3) + varint(0) +
                          bytesField(3, "three") + bytesField(4, bytesField(1, "tag")));
    const auto data = withDigest(message);
    const auto records = unpackAggregate(data);
    ASSERT_TRUE(records);
    ASSERT_EQ(records->size(), 3u);
    EXPECT_EQ((*records)[0].partitionKey, "k1");
    EXPECT_EQ((*records)[0].data, "one");
    EXPECT_EQ((*records)[1].partitionKey, "k0");
    EXPECT_EQ((*records)[1].data, "");
    EXPECT_EQ((*records)[2].data, "three");
    EXPECT_EQ(unpackAggregate(withDigest(""))->size(), 0u);
}

// The digest is right each time, so that the message itself is what is read.
TEST(KinesisAggregate, ThatIsBrokenIsARecordOfItsOwn) {
    const auto key = bytesField(1, "k");
    const auto number = [](int field, std::uint64_t value) {
        return varint(static_cast<std::uint64_t>(field) << 3) + varint(value);
    };
    const std::string broken[] = {
        key + subRecord(1, "x"),                                                // no such key
        subRecord(0, "x"),                                                      // no key at all
        key + bytesField(3, number(1, 0)),                                      // no data
        key + bytesField(3, bytesField(3, "x")),                                // no key
        key + bytesField(3, number(1, 0) + number(2, 0) + bytesField(3, "x")),  // no hash key
        key + bytesField(3, bytesField(1, "0") + bytesField(3, "x")),  // a key of another type
        key + number(3, 7),                                            // records that are numbers
        key + varint(3 << 3 | 2) + varint(1'000) + "x",                // longer than there is
        key + varint(3 << 3 | 2) + std::string(10, '\xff'),            // a number without end
        key + varint(3 << 3 | 3),                                      // a group
        key + varint(2),                                               // field 0
        key.substr(0, 2),
    };
    for (const auto& message : broken) EXPECT_FALSE(unpackAggregate(withDigest(message)));
    auto good = withDigest(key + subRecord(0, "x"));
    EXPECT_TRUE(unpackAggregate(good));
    EXPECT_FALSE(unpackAggregate(good.substr(1)));
    good.back() ^= 1;
    EXPECT_FALSE(unpackAggregate(good)) << "a wrong digest";
    EXPECT_FALSE(unpackAggregate("\xF3\x89\x9A\xC2"));
    EXPECT_FALSE(unpackAggregate(""));
}

TEST(KinesisAggregate, MutatedAndRandomBytesGiveViewsIntoThemOrNothing) {
    std::mt19937 random(7);
    const auto check = [](const std::string& bytes) {
        const auto records = unpackAggregate(bytes);
        if (!records) return;
        for (const auto& record : *records)
            for (const auto view : {record.partitionKey, record.data})
                ASSERT_TRUE(view.empty() ||
                            (view.data() >= bytes.data() &&
                             view.data() + view.size() <= bytes.data() + bytes.size()));
    };
    std::string message = bytesField(1, "key") + bytesField(1, "other");
    for (int i = 0; i < 8; ++i)
        message += subRecord(static_cast<std::uint64_t>(i % 2), std::string(10, 'x'));
    for (int round = 0; round < 20'000; ++round) {
        auto mutated = message;
        for (auto changes = 1 + random() % 4; changes > 0; --changes)
            mutated[random() % mutated.size()] = static_cast<char>(random());
        if (random() % 4 == 0) mutated.resize(random() % mutated.size());
        check(withDigest(mutated));
        std::string noise(random() % 64, '\0');
        for (auto& byte : noise) byte = static_cast<char>(random());
        check(withDigest(noise));
        check(noise);
    }
}

TEST(KinesisAnswers, AreReadWithTheirNulls) {
    const auto records = parseRecords(
        R"({"ChildShards":null,"MillisBehindLatest":1200,"NextShardIterator":null,"Records":[
            {"ApproximateArrivalTimestamp":1796067713.007,"Data":"YWJj","EncryptionType":null,
             "PartitionKey":"k","SequenceNumber":"4968"}]})");
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_EQ(records->next, "");
    EXPECT_EQ(records->behindMillis, 1'200);
    ASSERT_EQ(records->records.size(), 1u);
    EXPECT_EQ(records->records[0].data, "abc");
    EXPECT_EQ(records->records[0].arrivalMillis, 1'796'067'713'007);
    EXPECT_EQ(records->bytes, 4u);
    const auto shards = parseShards(
        R"({"NextToken":null,"Shards":[{"AdjacentParentShardId":null,"ParentShardId":"p",
            "SequenceNumberRange":{"EndingSequenceNumber":null,"StartingSequenceNumber":"1"},
            "ShardId":"s"},{"ShardId":"t","ParentShardId":"s","AdjacentParentShardId":"u",
            "SequenceNumberRange":{"EndingSequenceNumber":"7"}}]})");
    ASSERT_TRUE(shards) << shards.error().message;
    EXPECT_EQ(shards->shards.at(0).parent, "p");
    EXPECT_EQ(shards->shards.at(0).otherParent, "");
    EXPECT_TRUE(shards->shards.at(0).isOpen);
    EXPECT_EQ(shards->shards.at(1).otherParent, "u");
    EXPECT_FALSE(shards->shards.at(1).isOpen);
    const auto summary = parseSummary(
        R"({"StreamDescriptionSummary":{"RetentionPeriodHours":24,"KeyId":null,
            "StreamCreationTimestamp":1796067709.867,"StreamStatus":"ACTIVE"}})");
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->keptMillis, 86'400'000);
    EXPECT_EQ(summary->createdMillis, 1'796'067'709'867);
}

TEST(KinesisAnswers, ThatAreNotWhatTheyShouldBeAreRefused) {
    for (
        const char* wrong :
        {"", "[]", "{\"Records\":7}", "{\"Records\":[7]}",
         R"({"MillisBehindLatest":0,"Records":[{"Data":"Y","PartitionKey":"k","SequenceNumber":"1"}]})",
         R"({"MillisBehindLatest":0,"Records":[{"PartitionKey":"k","SequenceNumber":"1"}]})",
         R"({"MillisBehindLatest":0,"Records":[{"Data":null,"PartitionKey":"k","SequenceNumber":"1"}]})",
         R"({"MillisBehindLatest":0,"Records":[{"Data":"","PartitionKey":"k","SequenceNumber":"1x"}]})",
         R"({"MillisBehindLatest":0,"Records":[{"Data":"","PartitionKey":"k","SequenceNumber":""}]})",
         R"({"MillisBehindLatest":1e300,"Records":[]})", R"({"Records":[]})",
         R"({"MillisBehindLatest":0,"NextShardIterator":7})"})
        EXPECT_FALSE(parseRecords(wrong)) << wrong;
    EXPECT_FALSE(parseRecords(R"({"MillisBehindLatest":0,"Records":[{"Data":"","PartitionKey":")" +
                              std::string(2'000, 'k') + R"(","SequenceNumber":"1"}]})"));
    EXPECT_FALSE(parseShards(R"({"Shards":[{"ShardId":"a/b"}]})"));
    EXPECT_FALSE(parseShards(R"({"Shards":[{}]})"));
    EXPECT_FALSE(parseIterator("{}"));
    EXPECT_FALSE(parseSummary("{}"));
    EXPECT_FALSE(parseSummary(
        R"({"StreamDescriptionSummary":{"RetentionPeriodHours":0,"StreamCreationTimestamp":1,"StreamStatus":"ACTIVE"}})"));
}

TEST(KinesisRequests, AskFromThePosition) {
    Position position;
    EXPECT_EQ(iteratorRequest("t", "s", position),
              R"({"StreamName":"t","ShardId":"s","ShardIteratorType":"TRIM_HORIZON"})");
    position.kind = Position::Kind::kTime;
    position.timeMillis = 1'700'000'000'007;
    EXPECT_EQ(
        iteratorRequest("t", "s", position),
        R"({"StreamName":"t","ShardId":"s","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1700000000.007})");
    position.kind = Position::Kind::kRecord;
    position.sequence = "12";
    EXPECT_EQ(
        iteratorRequest("t", "s", position),
        R"({"StreamName":"t","ShardId":"s","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"12"})");
    EXPECT_EQ(recordsRequest("a\"b\\c\n", 7), R"({"ShardIterator":"a\"b\\c\u000a","Limit":7})");
}

TEST(KinesisRequests, AskForSomeTwoMebibytes) {
    EXPECT_EQ(recordsToAskFor(500, 0, 0), 500u);
    EXPECT_EQ(recordsToAskFor(500, 500, 500 * 100), 1'000u);
    EXPECT_EQ(recordsToAskFor(10'000, 100, 100 * 10), 10'000u);
    EXPECT_EQ(recordsToAskFor(500, 10, 10 << 20), 2u);
    EXPECT_EQ(recordsToAskFor(1, 1, 10 << 20), 1u);
    EXPECT_EQ(recordsToAskFor(1, 1, 1), 2u);
}

TEST(KinesisPosition, ComesBackAsItWas) {
    Position record;
    record.kind = Position::Kind::kRecord;
    record.readUntilMillis = 123'456;
    record.sequence = std::string(kSequenceDigitsMax, '9');
    record.taken = 7;
    record.arrivalMillis = -1;
    record.hash = 99;
    Position time;
    time.kind = Position::Kind::kTime;
    time.timeMillis = 5;
    Position finished;
    finished.kind = Position::Kind::kFinished;
    for (const auto& position : {Position(), record, time, finished}) {
        const auto bytes = encodePosition(position);
        EXPECT_LE(bytes.size(), core::kPositionBytesMax);
        EXPECT_EQ(decodePosition(bytes).value(), position);
        for (std::size_t cut = 0; cut < bytes.size(); ++cut)
            EXPECT_FALSE(decodePosition(bytes.substr(0, cut)));
        EXPECT_FALSE(decodePosition(bytes + "x"));
    }
    EXPECT_FALSE(decodePosition(std::string("\x09") + std::string(8, '\0')));
    record.sequence = "12a";
    EXPECT_FALSE(decodePosition(encodePosition(record)));
    const StreamPosition stream{5, 6};
    EXPECT_EQ(decodeStreamPosition(encodeStreamPosition(stream)).value(), stream);
    EXPECT_FALSE(decodeStreamPosition("x"));
}

// The table of docs/guide/kinesis.md, *Lost records*.
TEST(KinesisPosition, TheFirstRecordSaysWhatIsMissing) {
    constexpr std::int64_t kHour = 3'600'000;
    Position at;
    at.kind = Position::Kind::kRecord;
    at.sequence = "100";
    at.hash = 1;
    at.readUntilMillis = 50 * kHour;
    const auto decide = [&](const std::optional<FoundRecord>& found, std::int64_t hour) {
        return decideFirst(at, found, hour * kHour, 24 * kHour);
    };
    const FoundRecord same{"100", 1}, other{"100", 2}, later{"101", 1};
    EXPECT_EQ(decide(same, 51), FirstRecord::kAnchor);
    EXPECT_EQ(decide(same, 500), FirstRecord::kAnchor) << "it is still there";
    EXPECT_EQ(decide(other, 51), FirstRecord::kDifferent);
    EXPECT_EQ(decide(later, 73), FirstRecord::kNext);
    EXPECT_EQ(decide(std::nullopt, 73), FirstRecord::kNext);
    EXPECT_EQ(decide(later, 74), FirstRecord::kExpired);
    EXPECT_EQ(decide(std::nullopt, 74), FirstRecord::kExpired);
    at.kind = Position::Kind::kBeginning;
    EXPECT_EQ(decide(same, 51), FirstRecord::kNext);
    EXPECT_EQ(decide(same, 75), FirstRecord::kExpired);
}

TEST(KinesisShards, BeginBehindAllOfTheirParents) {
    const auto open = [](const std::string& name) { return name.starts_with("open"); };
    EXPECT_TRUE(mayBeRead({"a", "", ""}, open));
    EXPECT_TRUE(mayBeRead({"a", "done", ""}, open));
    EXPECT_FALSE(mayBeRead({"a", "open", ""}, open));
    EXPECT_FALSE(mayBeRead({"a", "done", "open2"}, open));
    EXPECT_FALSE(mayBeRead({"a", "open1", "done"}, open));
    EXPECT_TRUE(mayBeRead({"a", "done", "done2"}, open));
}

KinesisRecord recordOf(std::string_view sequence, std::string_view data,
                       std::uint32_t subIndex = 0) {
    KinesisRecord record;
    record.sequenceNumber = sequence;
    record.data = data;
    record.partitionKey = "key";
    record.subIndex = subIndex;
    record.arrival = fromMillis(1'000);
    return record;
}

TEST(KinesisBlock, HoldsRecordsAsTheyWere) {
    std::string bytes(encodedBytes(recordOf("12345", "data", 3)), '\xff');
    encodeRecord(recordOf("12345", "data", 3), bytes.data());
    const auto record = decodeRecord(bytes);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->sequenceNumber, "12345");
    EXPECT_EQ(record->data, "data");
    EXPECT_EQ(record->partitionKey, "key");
    EXPECT_EQ(record->subIndex, 3u);
    EXPECT_EQ(toMillis(record->arrival), 1'000);
    for (std::size_t cut = 0; cut < bytes.size() - 4; ++cut)
        EXPECT_FALSE(decodeRecord(bytes.substr(0, cut)));
    const auto lane = laneName("app", "stream", "shardId-1");
    EXPECT_EQ(lane, "kinesis/app/stream/shardId-1");
    EXPECT_EQ(partsOfLane(lane)->shard, "shardId-1");
    EXPECT_EQ(partsOfLane(lane)->stream, "stream");
    EXPECT_EQ(partsOfLane("kinesis/app/stream/")->shard, "");
    for (const char* none : {"", "kinesis/", "kinesis/a", "kinesis/a/b", "kafka/a/b/c"})
        EXPECT_FALSE(partsOfLane(none)) << none;
}

class KinesisLane : public testing::Test {
protected:
    LaneBlock::Taken take(LaneBlock& block, std::string_view sequence, std::string_view data,
                          std::uint32_t subIndex = 0) {
        return block.take(recordOf(sequence, data, subIndex), 9, *pool_, limits_);
    }
    Position logged() const { return decodePosition(log_.position("lane")).value(); }

    core::MemoryLog log_;
    std::shared_ptr<core::BufferPool> pool_ = core::BufferPool::make(64 << 10);
    BlockLimits limits_{1'000, 16 << 10};
};

TEST_F(KinesisLane, GoesOnWhereItIsAndTakesNothingTwice) {
    LaneBlock block(core::SourceId(0), "lane", "", {});
    EXPECT_TRUE(block.isOpen()) << "where it begins is to be known";
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    const auto before = log_.position("lane");
    EXPECT_EQ(take(block, "5", "a"), LaneBlock::Taken::kYes);
    EXPECT_EQ(take(block, "6", "b", 0), LaneBlock::Taken::kYes);
    EXPECT_EQ(take(block, "6", "c", 1), LaneBlock::Taken::kYes);
    block.readUntil(77);
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    EXPECT_EQ(logged().sequence, "6");
    EXPECT_EQ(logged().taken, 2u);
    EXPECT_EQ(logged().readUntilMillis, 77);
    LaneBlock ghost(core::SourceId(0), "lane", before, {});
    EXPECT_EQ(take(ghost, "5", "a"), LaneBlock::Taken::kYes);
    EXPECT_EQ(ghost.flush(log_), core::BlockLog::Outcome::kStale);
    EXPECT_EQ(block.forget(log_), core::BlockLog::Outcome::kQueued);
    EXPECT_EQ(log_.position("lane"), "");
}

TEST_F(KinesisLane, IsKeptByItselfWhenItIsQuietForLong) {
    LaneBlock block(core::SourceId(0), "lane", "", {});
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    block.readUntil(600'000);
    EXPECT_FALSE(block.isOpen());
    block.readUntil(600'001);
    EXPECT_TRUE(block.isOpen());
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    EXPECT_EQ(logged().readUntilMillis, 600'001);
    EXPECT_FALSE(block.isOpen());
}

TEST_F(KinesisLane, CountsLongRecordsAndKeepsABudget) {
    LaneBlock block(core::SourceId(0), "lane", "", {});
    EXPECT_EQ(take(block, "1", std::string(1'001, 'x')), LaneBlock::Taken::kOversize);
    EXPECT_EQ(block.position().sequence, "1");
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    EXPECT_EQ(log_.take(1 << 20).back()->origin().oversize, 1u);
    int number = 2;
    LaneBlock::Taken taken{};
    const std::string data(900, 'x');
    while ((taken = take(block, std::to_string(number), data)) != LaneBlock::Taken::kNoMemory) {
        if (taken == LaneBlock::Taken::kYes) ++number;
        else ASSERT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
        ASSERT_LT(number, 1'000);
    }
    EXPECT_EQ(block.position().sequence, std::to_string(number - 1)) << "nothing was taken";
    log_.take(1 << 20).clear();
    EXPECT_EQ(take(block, std::to_string(number), data), LaneBlock::Taken::kYes);
}

TEST(KinesisOptionsCheck, NamesWhatCannotBe) {
    KinesisOptions good;
    good.stream = "orders";
    EXPECT_TRUE(checkOptions(good));
    const auto wrong = [&](auto change) {
        auto options = good;
        change(options);
        const auto checked = checkOptions(options);
        return checked ? std::string() : checked.error().message;
    };
    EXPECT_NE(wrong([](auto& o) { o.stream = "a b"; }).find("\"a b\""), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.region = "EU"; }).find("\"EU\""), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.endpoint = "x:1"; }).find("http://"), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.application = "a/b"; }).find("a/b"), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.pollEvery = std::chrono::milliseconds(1); }).find("1 ms"),
              std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.discoverEvery = std::chrono::milliseconds(7); }).find("7 ms"),
              std::string::npos);
}

}  // namespace
}  // namespace tidemill::sources::kinesis
