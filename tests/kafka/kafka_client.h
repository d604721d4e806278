// What tests do to a cluster: topics, records in, records out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rdkafka/handle.h"

namespace tidemill::test {

// A record as a test reads it.
struct ReadRecord {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string> key, value;
    std::map<std::string, std::string> headers;
};

// Failures are GoogleTest failures. Thread safety: externally synchronized.
class KafkaClient {
public:
    explicit KafkaClient(std::string brokers);
    ~KafkaClient();

    // Returns when the topic can be written to.
    void createTopic(const std::string& topic, int partitions = 1,
                     const std::map<std::string, std::string>& configuration = {});
    // Returns when it is gone.
    void deleteTopic(const std::string& topic);
    void addPartitions(const std::string& topic, int newTotal);
    // The records below `before` are gone.
    void deleteRecords(const std::string& topic, std::int32_t partition, std::int64_t before);

    // The user may do so with the topic or group of this name, or with all whose names begin so.
    void allow(const std::string& user, rd_kafka_ResourceType_t type, const std::string& name,
               rd_kafka_AclOperation_t operation);

    // Queues a record; flush() returns when all are on the broker, false when some are not.
    void produce(const std::string& topic, std::int32_t partition, std::string_view value,
                 std::optional<std::string_view> key = {},
                 const std::map<std::string, std::string>& headers = {});
    bool flush(int waitMillis = 60'000);

    std::int64_t endOffset(const std::string& topic, std::int32_t partition);
    // What the group has committed; -1: nothing.
    std::int64_t committed(const std::string& group, const std::string& topic,
                           std::int32_t partition);

    // All records that readers of committed ones see, in the order of partitions and offsets.
    std::vector<ReadRecord> readAll(const std::string& topic);

private:
    rd_kafka_t* client() const { return producer_->get(); }
    // Runs an admin request: f(client, options, queue) and its result event.
    template <class Request>
    rdkafka::Event request(Request f, rd_kafka_admin_op_t operation);
    int partitionCount(const std::string& topic);

    const std::string brokers_;
    std::unique_ptr<rdkafka::Handle> producer_;
};

}  // namespace tidemill::test
