// The Kafka source against a real broker: what it reads, where it goes on, and what it does when
// records or brokers are gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"
#include "tests/kafka/kafka_job.h"

namespace tidemill::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Lines = std::vector<std::string>;

// "a1", "a2" … as they sort.
Lines numbered(const std::string& name, int count, int from = 1) {
    Lines lines;
    for (int i = from; i < from + count; ++i) {
        const auto number = std::to_string(i);
        lines.push_back(name + std::string(6 - number.size(), '0') + number);
    }
    return lines;
}

Lines operator+(Lines a, const Lines& b) {
    a.insert(a.end(), b.begin(), b.end());
    std::sort(a.begin(), a.end());
    return a;
}

class KafkaSourceTest : public testing::Test {
protected:
    void SetUp() override {
        TM_START_KAFKA(broker_, "log.retention.check.interval.ms=200");
        client_ = std::make_unique<KafkaClient>(broker_->address());
    }

    KafkaOptions options(const std::string& topic = "t") const {
        KafkaOptions options;
        options.brokers = broker_->address();
        options.topics = {topic};
        options.group = "g";
        return options;
    }

    void produce(const Lines& values, std::int32_t partition = 0, const std::string& topic = "t") {
        for (const auto& value : values) client_->produce(topic, partition, value);
        ASSERT_TRUE(client_->flush());
    }

    void makeAnew(const Lines& values, int partitions = 1) {
        client_->deleteTopic("t");
        client_->createTopic("t", partitions);
        produce(values);
    }

    std::unique_ptr<KafkaBroker> broker_;
    std::unique_ptr<KafkaClient> client_;
};

TEST_F(KafkaSourceTest, RecordsComeWithAllThatTheyHold) {
    client_->createTopic("t", 2);
    KafkaJob job(options());
    job.textOf = [](const KafkaRecord& record) {
        std::string text = std::string(record.topic) + "/" + std::to_string(record.partition) +
                           "/" + std::to_string(record.offset) + " " +
                           std::string(record.key.value_or("(none)")) + "=" +
                           std::string(record.value.value_or("(none)"));
        record.headers.forEach([&](const KafkaHeader& header) {
            text += " " + std::string(header.name) + ":" + std::string(header.value.value_or(""));
        });
        const auto age = std::chrono::system_clock::now() - record.timestamp;
        return text +
               (age >= std::chrono::seconds(0) && age < std::chrono::minutes(1) ? "" : " late");
    };
    job.start();
    client_->produce("t", 0, "five", "key", {{"unit", "EUR"}, {"x", ""}});
    client_->produce("t", 0, "", "");
    client_->produce("t", 1, std::string("a\nb\0c", 5));
    ASSERT_TRUE(client_->flush());
    ASSERT_TRUE(job.awaitSeen(3));
    EXPECT_THAT(job.seen(), ElementsAre("t/0/0 key=five unit:EUR x:", "t/0/1 =",
                                        std::string("t/1/0 (none)=a\nb\0c", 18)));
    // Lag and the offsets of completed batches, for those who look on.
    EXPECT_TRUE(KafkaJob::await([&] { return client_->committed("g", "t", 0) == 2; }));
    const auto lanes = job.status().statistics.lanes;
    ASSERT_EQ(lanes.size(), 2u);
    EXPECT_EQ(lanes[0].lane, "kafka/g/t/0");
    EXPECT_EQ(lanes[0].position, "2");
    EXPECT_EQ(lanes[0].lag, 0u);
}

TEST_F(KafkaSourceTest, GoesOnWhereItWasWhateverTheGroupSays) {
    client_->createTopic("t", 3);
    KafkaJob job(options());
    job.start();
    produce(numbered("a", 500), 0);
    produce(numbered("b", 500), 1);
    ASSERT_TRUE(job.awaitSeen(1000));
    job.crash();
    produce(numbered("c", 500), 2);
    produce(numbered("d", 10), 0);
    job.start();
    ASSERT_TRUE(job.awaitSeen(1510));
    produce(numbered("e", 10), 1);
    job.stop();
    job.start();
    ASSERT_TRUE(job.awaitSeen(1520));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_EQ(job.seen(), numbered("a", 500) + numbered("b", 500) + numbered("c", 500) +
                              numbered("d", 10) + numbered("e", 10));
}

TEST_F(KafkaSourceTest, AtTheLatestMeansBehindTheFirstStartAndNewPartitionsComeWhole) {
    client_->createTopic("t-one", 1);
    client_->createTopic("other", 1);
    produce(numbered("old", 5), 0, "t-one");
    auto latest = options();
    latest.topics.clear();
    latest.pattern = "t-.*";
    latest.start.from = KafkaStart::From::kLatest;
    KafkaJob job(latest);
    job.start();
    ASSERT_TRUE(KafkaJob::await([&] { return job.status().statistics.lanes.size() == 1; }));
    job.crash();
    // Behind the first start, read or not.
    produce(numbered("a", 5), 0, "t-one");
    produce(numbered("other", 5), 0, "other");
    job.start();
    ASSERT_TRUE(job.awaitSeen(5));
    client_->addPartitions("t-one", 2);
    produce(numbered("b", 5), 1, "t-one");
    client_->createTopic("t-two", 1);
    produce(numbered("c", 5), 0, "t-two");
    ASSERT_TRUE(job.awaitSeen(15));
    EXPECT_EQ(job.seen(), numbered("a", 5) + numbered("b", 5) + numbered("c", 5));
}

TEST_F(KafkaSourceTest, AtATimeMeansTheFirstRecordOfThatTime) {
    client_->createTopic("t", 1);
    produce(numbered("old", 5));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    auto from = options();
    from.start.from = KafkaStart::From::kTime;
    from.start.time =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    produce(numbered("a", 5));
    KafkaJob job(from);
    job.start();
    ASSERT_TRUE(job.awaitSeen(5));
    EXPECT_EQ(job.seen(), numbered("a", 5));
}

struct MadeAnew {
    const char* name;
    int records;
    const char* message;
};

class KafkaTopicMadeAnew : public KafkaSourceTest, public testing::WithParamInterface<MadeAnew> {};

TEST_P(KafkaTopicMadeAnew, EndsTheJobWhileItRunsAndAtAStart) {
    client_->createTopic("t");
    produce(numbered("a", 100));
    KafkaJob job(options());
    job.start();
    ASSERT_TRUE(job.awaitSeen(100));
    makeAnew(numbered("b", GetParam().records));
    EXPECT_THAT(job.awaitFailure(), HasSubstr(GetParam().message));
    job.crash();
    // The next start finds the same.
    job.start();
    EXPECT_THAT(job.awaitFailure(), HasSubstr(GetParam().message));
    job.crash();
    EXPECT_EQ(job.seen(), numbered("a", 100));
    // Unless it is told to go on with what there is; once.
    job.kafkaOptions.onLostData = LostData::kSkip;
    job.start();
    ASSERT_TRUE(job.awaitSeen(100 + static_cast<std::size_t>(GetParam().records)));
    EXPECT_EQ(job.status().errors, 1u);
    EXPECT_THAT(job.status().lastError, HasSubstr("the stream goes on"));
    job.crash();
    job.kafkaOptions.onLostData = LostData::kStop;
    job.start();
    produce(numbered("c", 10));
    ASSERT_TRUE(job.awaitSeen(110 + static_cast<std::size_t>(GetParam().records)));
    EXPECT_EQ(job.seen(),
              numbered("a", 100) + numbered("b", GetParam().records) + numbered("c", 10));
}

INSTANTIATE_TEST_SUITE_P(
    All, KafkaTopicMadeAnew,
    testing::Values(MadeAnew{"Shorter", 40, "it ends at offset 40, but was read up to 100"},
                    MadeAnew{"Longer", 250, "record 99, the last one read, is another one now"}),
    [](const auto& test) { return test.param.name; });

TEST_F(KafkaSourceTest, RecordsThatExpiredUnreadEndTheJobOrAreSkipped) {
    client_->createTopic("t");
    produce(numbered("a", 10));
    KafkaJob job(options());
    job.start();
    ASSERT_TRUE(job.awaitSeen(10));
    job.crash();
    // What was read may expire.
    client_->deleteRecords("t", 0, 10);
    produce(numbered("b", 10));
    job.start();
    ASSERT_TRUE(job.awaitSeen(20));
    job.crash();
    produce(numbered("c", 10));
    client_->deleteRecords("t", 0, 25);
    job.start();
    EXPECT_THAT(job.awaitFailure(),
                HasSubstr("partition 0 of topic \"t\": records 20 to 24 expired "
                          "unread; it has now records 25 to 29"));
    job.crash();
    job.kafkaOptions.onLostData = LostData::kSkip;
    job.start();
    ASSERT_TRUE(job.awaitSeen(25));
    EXPECT_EQ(job.seen(), numbered("a", 10) + numbered("b", 10) + numbered("c", 5, 6));
}

TEST_F(KafkaSourceTest, ACompactedTopicMayLoseItsAnchor) {
    client_->createTopic("t", 1,
                         {{"cleanup.policy", "compact"},
                          {"segment.ms", "100"},
                          {"min.cleanable.dirty.ratio", "0.01"},
                          {"delete.retention.ms", "100"},
                          {"max.compaction.lag.ms", "200"}});
    client_->produce("t", 0, "first", "key");
    ASSERT_TRUE(client_->flush());
    KafkaJob job(options());
    job.start();
    ASSERT_TRUE(job.awaitSeen(1));
    job.crash();
    client_->produce("t", 0, "second", "key");
    ASSERT_TRUE(client_->flush());
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    client_->produce("t", 0, "third", "other");
    ASSERT_TRUE(client_->flush());
    const bool compacted = KafkaJob::await([&] { return client_->readAll("t").size() == 2; });
    if (!compacted) GTEST_SKIP() << "the broker has not compacted the topic";
    job.start();
    ASSERT_TRUE(job.awaitSeen(3)) << job.status().lastError;
    EXPECT_THAT(job.seen(), ElementsAre("first", "second", "third"));
}

TEST_F(KafkaSourceTest, ABrokerThatIsAwayIsWaitedFor) {
    client_->createTopic("t");
    produce(numbered("a", 10));
    broker_->kill();
    KafkaJob job(options());
    job.start();
    ASSERT_TRUE(KafkaJob::await([&] { return job.status().retrying; }));
    EXPECT_THAT(job.status().lastError, HasSubstr("no broker of 127.0.0.1:"));
    ASSERT_TRUE(broker_->restart());
    ASSERT_TRUE(job.awaitSeen(10));
    ASSERT_TRUE(KafkaJob::await([&] { return !job.status().retrying; }));
    broker_->kill();
    ASSERT_TRUE(KafkaJob::await([&] { return job.status().retrying; }));
    ASSERT_TRUE(broker_->restart());
    produce(numbered("b", 10));
    ASSERT_TRUE(job.awaitSeen(20));
    ASSERT_TRUE(KafkaJob::await([&] { return !job.status().retrying; }));
    EXPECT_EQ(job.seen(), numbered("a", 10) + numbered("b", 10));
}

TEST_F(KafkaSourceTest, ATopicThatIsNotThereIsWaitedFor) {
    KafkaJob job(options());
    job.start();
    ASSERT_TRUE(KafkaJob::await([&] { return job.status().retrying; }));
    EXPECT_EQ(job.status().lastError, "topic \"t\" does not exist");
    client_->createTopic("t", 2);
    produce(numbered("a", 10), 1);
    ASSERT_TRUE(job.awaitSeen(10));
    EXPECT_TRUE(KafkaJob::await([&] { return !job.status().retrying; }));
}

TEST_F(KafkaSourceTest, MemoryIsBoundedAndLongRecordsAreCounted) {
    client_->createTopic("t", 4);
    KafkaJob job(options());
    job.streaming.receiveBudgetBytes = 512 << 10;
    job.streaming.maxBatchBytes = 256 << 10;
    job.streaming.maxRecordBytes = 50'000;
    const std::string large(20'000, 'x');
    for (int i = 0; i < 400; ++i) client_->produce("t", i % 4, large + std::to_string(1000 + i));
    client_->produce("t", 0, std::string(50'001, 'y'));
    client_->produce("t", 0, "last");
    ASSERT_TRUE(client_->flush());
    job.start();
    ASSERT_TRUE(job.awaitSeen(401));
    const auto seen = job.seen();
    EXPECT_EQ(seen.size(), 401u);
    EXPECT_EQ(seen.front(), "last");
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 401u);
    EXPECT_EQ(job.status().statistics.oversize, 1u);
}

TEST_F(KafkaSourceTest, TwoSourcesUnderOneGroupDoNotTakeFromEachOther) {
    client_->createTopic("t");
    produce(numbered("a", 10));
    StreamingContext context(std::chrono::milliseconds(50));
    context.kafkaTextStream(options()).print();
    EXPECT_THROW(context.kafkaTextStream(options()), std::invalid_argument);
}

}  // namespace
}  // namespace tidemill::test
