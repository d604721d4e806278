// What the brokers have: the cluster's identity, topics and their limits, and the last committed
// record of a key. A consumer handle, which never makes a topic by asking for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "outputs/kafka/client.h"
#include "outputs/kafka/progress.h"

namespace tidemill::outputs {

struct TopicWish {
    std::string name;
    bool create = false;
    int partitions = -1;
    int replication = -1;
    std::map<std::string, std::string> config;
};

struct TopicFacts {
    int partitions = 0;
    // What the brokers take as one record, or a compressed set of them.
    std::size_t messageBytesMax = 0;
    std::string cleanupPolicy;
};

// Offsets of a partition: where its records begin, and behind its last one, committed or not.
struct Watermarks {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

// Thread safety: worker-confined.
class Cluster {
public:
    static core::Result<std::unique_ptr<Cluster>> make(const std::string& brokers,
                                                       const Properties& properties);

    KafkaResult<std::string> id() const;
    // The topic as it is, made when it is missing and may be.
    KafkaResult<TopicFacts> topic(const TopicWish& wish) const;

    // P2: reads partition 0 of `topic` as read_committed readers see it, up to `marks.high`, and
    // returns the last record whose key this is. Waits for transactions that are open below.
    KafkaResult<std::optional<Progress>> lastProgress(const std::string& topic,
                                                      const std::string& key,
                                                      const Watermarks& marks) const;

private:
    explicit Cluster(std::string brokers, std::unique_ptr<Client> client)
        : brokers_(std::move(brokers)), client_(std::move(client)) {}
    KafkaResult<int> partitionsOf(const std::string& topic) const;
    KafkaResult<> create(const TopicWish& wish) const;
    KafkaResult<> describe(const std::string& topic, TopicFacts& facts) const;
    KafkaResult<std::optional<Progress>> readFrom(const std::string& topic, const std::string& key,
                                                  std::int64_t from, std::int64_t high) const;
    // With what the connection said last.
    std::string reached(const std::string& what) const;

    const std::string brokers_;
    const std::unique_ptr<Client> client_;
};

}  // namespace tidemill::outputs
