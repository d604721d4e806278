// Kafka records as blocks hold them, positions, and the decisions about partitions, without a
// broker.
#include <gtest/gtest.h>

#include <string>

#include "core/memory_log.h"
#include "rdkafka/handle.h"
#include "sources/kafka/consumer_properties.h"
#include "sources/kafka/discovery.h"
#include "sources/kafka/kafka_block.h"
#include "sources/kafka/kafka_position.h"
#include "sources/kafka/lane_block.h"

namespace tidemill::sources::kafka {
namespace {

std::string encoded(const KafkaRecord& record) {
    std::string bytes(encodedBytes(record), '\xff');
    encodeRecord(record, bytes.data());
    return bytes;
}

KafkaRecord recordAt(std::int64_t offset, std::string_view value) {
    KafkaRecord record;
    record.offset = offset;
    record.timestamp = fromMillis(1'000 + offset);
    record.value = value;
    return record;
}

TEST(KafkaBlock, TheWorkedExampleIsAsThePageHasIt) {
    KafkaRecord record = recordAt(7, "v");
    record.timestamp = fromMillis(1'000);
    record.key = "k";
    EXPECT_EQ(encoded(record),
              std::string("\x07\0\0\0\0\0\0\0\xe8\x03\0\0\0\0\0\0\x03\x01\0\0\0kv", 23));
}

TEST(KafkaBlock, WhatIsEncodedIsReadBack) {
    std::string headers;
    appendHeader(headers, {"unit", "EUR"});
    appendHeader(headers, {"none", std::nullopt});
    appendHeader(headers, {"unit", ""});
    for (const bool key : {false, true})
        for (const bool value : {false, true})
            for (const bool header : {false, true}) {
                KafkaRecord record = recordAt(1LL << 40, "");
                record.timestamp = fromMillis(-1);
                if (key) record.key = std::string_view("k\0y", 3);
                if (!value) record.value.reset();
                if (header) record.headers.encoded = headers;
                const auto bytes = encoded(record);
                const auto back = decodeRecord(bytes);
                ASSERT_TRUE(back);
                EXPECT_EQ(back->offset, record.offset);
                EXPECT_EQ(back->timestamp, record.timestamp);
                EXPECT_EQ(back->key, record.key);
                EXPECT_EQ(back->value, record.value);
                EXPECT_EQ(back->headers.encoded, record.headers.encoded);
                EXPECT_EQ(back->headers.find("unit"),
                          header ? std::optional<std::string_view>("") : std::nullopt);
                EXPECT_EQ(back->headers.find("none"), std::nullopt);
                // No beginning of it is a record, unless only the value is shorter.
                for (std::size_t size = 0; size + 1 < bytes.size(); ++size)
                    EXPECT_FALSE(decodeRecord(std::string_view(bytes).substr(0, size)) && !value)
                        << size;
            }
}

TEST(KafkaBlock, AFlagThatIsNotKnownIsRefused) {
    auto bytes = encoded(recordAt(1, "x"));
    bytes[16] = 8;
    EXPECT_FALSE(decodeRecord(bytes));
}

TEST(KafkaBlock, ALaneSaysWhatItIsOf) {
    EXPECT_EQ(laneName("a/b", "orders", 12), "kafka/a/b/orders/12");
    const auto parts = partsOfLane("kafka/a/b/orders/12");
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->topic, "orders");
    EXPECT_EQ(parts->partition, 12);
    for (const char* other :
         {"session", "kafka/", "kafka/g", "kafka/g/t/", "kafka/g/t/x", "kafka/t/1"})
        EXPECT_FALSE(partsOfLane(other)) << other;
}

TEST(KafkaPosition, IsReadBackAndDamageIsSeen) {
    for (const Position& position :
         {Position{0, {}}, Position{7, {}}, Position{7, Anchor{5, 1234, 99}}}) {
        const auto bytes = encodePosition(position);
        EXPECT_EQ(decodePosition(bytes).value(), position);
        EXPECT_FALSE(decodePosition(bytes.substr(1)));
        EXPECT_FALSE(decodePosition(bytes + "x"));
    }
    EXPECT_FALSE(decodePosition(encodePosition({7, Anchor{7, 0, 0}}))) << "an anchor lies before";
}

TEST(KafkaFailedFetch, IsReadFromTheLog) {
    EXPECT_EQ(failedFetch("BROKERUA",
                          "[thrd:127.0.0.1:9092/1]: a.b [12]: broker unavailable: fetch: Broker: "
                          "Unknown topic or partition"),
              (PartitionName{"a.b", 12}));
    EXPECT_EQ(failedFetch("BROKERUA", "t [0]: broker unavailable: x"), (PartitionName{"t", 0}));
    for (const char* other : {"", "[thrd:", "[thrd:x]: ", "t [", "t []: x", "t [x]: y", "t 0"})
        EXPECT_EQ(failedFetch("BROKERUA", other), std::nullopt) << other;
    EXPECT_EQ(failedFetch("OTHER", "t [0]: x"), std::nullopt);
}

// The table of docs/guide/kafka.md, *Lost records*, as far as offsets say it.
TEST(KafkaPosition, WhatIsOutOfRangeIsToldApart) {
    const Position at{20, Anchor{18, 0, 0}};
    EXPECT_EQ(decideOutOfRange(at, {0, 30}), OutOfRange::kAskAgain);
    EXPECT_EQ(decideOutOfRange(at, {18, 20}), OutOfRange::kAskAgain);
    EXPECT_EQ(decideOutOfRange(at, {19, 20}), OutOfRange::kGoOn);
    EXPECT_EQ(decideOutOfRange(at, {20, 20}), OutOfRange::kGoOn);
    EXPECT_EQ(decideOutOfRange(at, {20, 40}), OutOfRange::kGoOn);
    EXPECT_EQ(decideOutOfRange(at, {21, 40}), OutOfRange::kExpired);
    EXPECT_EQ(decideOutOfRange(at, {0, 19}), OutOfRange::kShortened);
    EXPECT_EQ(decideOutOfRange(at, {0, 0}), OutOfRange::kShortened);
    const Position none{20, {}};
    EXPECT_EQ(decideOutOfRange(none, {20, 20}), OutOfRange::kAskAgain);
    EXPECT_EQ(decideOutOfRange(none, {21, 21}), OutOfRange::kExpired);
    EXPECT_EQ(decideOutOfRange(none, {0, 19}), OutOfRange::kShortened);
}

TEST(KafkaPosition, AnAnchorIsOffsetTimeAndContent) {
    const Anchor anchor{5, 1234, 99};
    EXPECT_EQ(checkAnchor(anchor, anchor), AnchorCheck::kSame);
    EXPECT_EQ(checkAnchor(anchor, {5, 1234, 98}), AnchorCheck::kDifferent);
    EXPECT_EQ(checkAnchor(anchor, {5, 1235, 99}), AnchorCheck::kDifferent);
    EXPECT_EQ(checkAnchor(anchor, {6, 1234, 99}), AnchorCheck::kGone);
}

class LaneBlocks : public testing::Test {
protected:
    LaneBlock::Taken take(LaneBlock& block, std::int64_t offset, std::string_view value) {
        return block.take(recordAt(offset, value), *pool_, limits_);
    }

    core::MemoryLog log_;
    std::shared_ptr<core::BufferPool> pool_ = core::BufferPool::make(64 << 10);
    BlockLimits limits_{1'000, 16 << 10};
};

TEST_F(LaneBlocks, GoOnFromEachOtherAndTakeNothingTwice) {
    LaneBlock block(core::SourceId(0), "kafka/g/t/0", "");
    block.moveTo(3);
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    EXPECT_EQ(take(block, 3, "a"), LaneBlock::Taken::kYes);
    EXPECT_EQ(take(block, 9, "b"), LaneBlock::Taken::kYes);
    EXPECT_EQ(block.position().anchor->hash, hashOfRecord(encoded(recordAt(9, "b"))));
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    const auto at = decodePosition(log_.position("kafka/g/t/0")).value();
    EXPECT_EQ(at, (Position{10, Anchor{9, 1'009, hashOfRecord(encoded(recordAt(9, "b")))}}));

    // Another that stands where this one stood.
    LaneBlock ghost(core::SourceId(0), "kafka/g/t/0", encodePosition({3, {}}));
    EXPECT_EQ(take(ghost, 3, "a"), LaneBlock::Taken::kYes);
    EXPECT_EQ(ghost.flush(log_), core::BlockLog::Outcome::kStale);

    const auto blocks = log_.take(1 << 20);
    ASSERT_EQ(blocks.size(), 2u);
    EXPECT_EQ(blocks[0]->origin().lines, 0u);
    EXPECT_EQ(blocks[1]->origin().lines, 2u);
    EXPECT_EQ(blocks[1]->origin().firstLine, 4u);
}

TEST_F(LaneBlocks, LongRecordsAreCountedAndAreAnchors) {
    LaneBlock block(core::SourceId(0), "kafka/g/t/0", "");
    EXPECT_EQ(take(block, 0, "a"), LaneBlock::Taken::kYes);
    const std::string large(1'001, 'x');
    EXPECT_EQ(take(block, 1, large), LaneBlock::Taken::kOversize);
    EXPECT_EQ(block.position(),
              (Position{2, Anchor{1, 1'001, hashOfRecord(encoded(recordAt(1, large)))}}));
    EXPECT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    EXPECT_EQ(log_.take(1 << 20).at(0)->origin().oversize, 1u);
}

TEST_F(LaneBlocks, AFullOneIsFlushedAndABudgetIsKept) {
    LaneBlock block(core::SourceId(0), "kafka/g/t/0", "");
    const std::string value(900, 'x');
    std::int64_t offset = 0;
    while (take(block, offset, value) == LaneBlock::Taken::kYes) ++offset;
    EXPECT_EQ(take(block, offset, value), LaneBlock::Taken::kFull);
    EXPECT_EQ(offset, (16 << 10) / (900 + 17 + 4));
    std::vector<core::BlockPtr> held;
    LaneBlock::Taken taken{};
    while ((taken = take(block, offset, value)) != LaneBlock::Taken::kNoMemory) {
        if (taken == LaneBlock::Taken::kYes) ++offset;
        else ASSERT_EQ(block.flush(log_), core::BlockLog::Outcome::kQueued);
    }
    EXPECT_EQ(pool_->usedBytes(), pool_->budgetBytes());
    EXPECT_EQ(block.next(), offset) << "nothing was taken";
    log_.take(1 << 20).clear();
    EXPECT_EQ(take(block, offset, value), LaneBlock::Taken::kYes);
}

TEST(KafkaOptionsCheck, NamesWhatCannotBe) {
    KafkaOptions good;
    good.brokers = "localhost:9092";
    good.topics = {"orders"};
    EXPECT_TRUE(checkOptions(good));
    const auto wrong = [&](auto change) {
        auto options = good;
        change(options);
        const auto checked = checkOptions(options);
        return checked ? std::string() : checked.error().message;
    };
    EXPECT_NE(wrong([](auto& o) { o.brokers = ""; }).find("no brokers"), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.pattern = "x"; }).find("either topics or"), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.topics = {"a b"}; }).find("\"a b\""), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.topics = {"a", "a"}; }).find("twice"), std::string::npos);
    EXPECT_NE(wrong([](auto& o) {
                  o.topics = {};
                  o.pattern = "(";
              }).find("pattern \"(\""),
              std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.group = "a b"; }).find("group"), std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.properties["isolation.level"] = "x"; }).find("read_committed"),
              std::string::npos);
    EXPECT_NE(wrong([](auto& o) { o.properties["group.id"] = "x"; }).find("name of its own"),
              std::string::npos);
    // A password is in no message, and reaches the client.
    good.properties["sasl.password"] = "secret";
    EXPECT_EQ(consumerProperties(good).at("sasl.password"), "secret");
}

TEST(RefusalHint, IsForScramByLibrariesThatFailAtIt) {
    const std::string said =
        "SASL authentication error: Authentication failed during authentication due to invalid "
        "credentials with SASL mechanism SCRAM-SHA-512";
    const auto refused = RD_KAFKA_RESP_ERR__AUTHENTICATION;
    EXPECT_NE(rdkafka::refusalHint(refused, said, 0x02'00'02'ff).find("PLAIN"), std::string::npos);
    EXPECT_EQ(rdkafka::refusalHint(refused, said, 0x02'06'01'ff), "");
    EXPECT_EQ(rdkafka::refusalHint(refused, "Invalid username or password", 0x02'00'02'ff), "");
    EXPECT_EQ(rdkafka::refusalHint(RD_KAFKA_RESP_ERR__SSL, said, 0x02'00'02'ff), "");
}

}  // namespace
}  // namespace tidemill::sources::kafka
