// Where an output's Kafka records go, and one such record.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tidemill {

// A record for Kafka. One object is filled again and again: nothing is kept from the record before.
struct KafkaMessage {
    std::string key;
    bool hasKey = false;
    std::string value;
    bool hasValue = true;  // false: a null value, which in a compacted topic removes the key
    std::vector<std::pair<std::string, std::string>> headers;

    void clear() {
        key.clear();
        value.clear();
        headers.clear();
        hasKey = false;
        hasValue = true;
    }
};

struct KafkaOutputOptions {
    std::string brokers{};  // "broker1:9092,broker2:9092"
    std::string topic{};

    // Each batch once, for readers with isolation.level=read_committed: one transaction per batch
    // for all outputs of a job to the same brokers. Else the last recorded batch may come again.
    bool exactlyOnce = true;

    // Where the transactions say how far they are; compacted, one partition, made when it is
    // missing. Jobs may share one. All outputs to the same brokers name the same.
    std::string progressTopic = "tidemill-progress";

    // Longest transaction: must cover the output of one batch. At most what the brokers allow
    // (transaction.max.timeout.ms, 15 min).
    std::chrono::milliseconds transactionTimeout{60'000};

    // Makes the topic when it is missing; else that is an error.
    bool create = false;
    int partitions = -1;                               // -1: as the brokers are configured
    int replication = -1;                              // likewise
    std::map<std::string, std::string> topicConfig{};  // "retention.ms" ...

    // Each record has a header "tidemill-batch" with its batch's number.
    bool batchHeader = true;

    // librdkafka's own settings: SASL, TLS, compression, linger. What exactness needs is refused.
    // All outputs to the same brokers have the same.
    std::map<std::string, std::string> properties{};
};

}  // namespace tidemill
