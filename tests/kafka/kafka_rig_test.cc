// The rig of the Kafka tests: what it says of a broker is so.
#include <gtest/gtest.h>

#include "tests/kafka/kafka_broker.h"
#include "tests/kafka/kafka_client.h"

namespace tidemill::test {
namespace {

TEST(KafkaRig, ABrokerKeepsItsTopicsThroughAKill) {
    std::unique_ptr<KafkaBroker> broker;
    TM_START_KAFKA(broker);
    KafkaClient client(broker->address());
    client.createTopic("orders", 2);
    client.produce("orders", 0, "one", "key", {{"unit", "EUR"}});
    client.produce("orders", 1, "two");
    ASSERT_TRUE(client.flush());
    broker->kill();
    client.produce("orders", 1, "three");
    EXPECT_FALSE(client.flush(200)) << "a killed broker takes nothing";
    ASSERT_TRUE(broker->restart()) << broker->log();
    ASSERT_TRUE(client.flush());
    const auto records = client.readAll("orders");
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[0].value, "one");
    EXPECT_EQ(records[0].key, "key");
    EXPECT_EQ(records[0].headers, (std::map<std::string, std::string>{{"unit", "EUR"}}));
    EXPECT_EQ(records[1].value, "two");
    EXPECT_EQ(records[1].key, std::nullopt);
    EXPECT_EQ(records[2].value, "three");
    EXPECT_EQ(client.committed("nobody", "orders", 0), -1);

    client.deleteRecords("orders", 1, 1);
    EXPECT_EQ(client.readAll("orders").size(), 2u);
    client.addPartitions("orders", 3);
    client.produce("orders", 2, "four");
    ASSERT_TRUE(client.flush());
    EXPECT_EQ(client.endOffset("orders", 2), 1);
    client.deleteTopic("orders");
    client.createTopic("orders", 1);
    EXPECT_TRUE(client.readAll("orders").empty());
}

}  // namespace
}  // namespace tidemill::test
