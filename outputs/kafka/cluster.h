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

// The topic that keeps progress as it is made, and what is wrong with one that is there; empty: it
// will do.
TopicWish progressWish(const std::string& name);
std::string progressMisfit(const std::string& name, const TopicFacts& facts);

// Offsets of a partition: where its records begin, and behind its last one, committed or not.
struct Watermarks {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

// Thread safety: worker-confined.
class Cluster {
public:
    // `answeredBefore`: to one with the same properties. Then credentials are right, and a broker
    // that seems to refuse them is away.
    static core::Result<std::unique_ptr<Cluster>> make(const std::string& brokers,
                                                       const Properties& properties,
                                                       bool answeredBefore = false);
    bool hasAnswered() const { return hasAnswered_; }

    KafkaResult<std::string> id() const;
    // The topic as it is, made when it is missing and may be.
    KafkaResult<TopicFacts> topic(const TopicWish& wish) const;

    // The topic as it is; none: it is missing.
    KafkaResult<std::optional<TopicFacts>> find(const std::string& name) const;
    // Whether the brokers would make the topic, which is missing; nothing is made.
    KafkaResult<> wouldCreate(const TopicWish& wish) const { return create(wish, true); }

    // P2: reads partition 0 of `topic` as read_committed readers see it, up to `marks.high`, and
    // returns the last record whose key this is. Waits for transactions that are open below.
    KafkaResult<std::optional<Progress>> lastProgress(const std::string& topic,
                                                      const std::string& key,
                                                      const Watermarks& marks) const;

private:
    Cluster(std::string brokers, std::unique_ptr<Client> client, bool hasAnswered)
        : brokers_(std::move(brokers)), client_(std::move(client)), hasAnswered_(hasAnswered) {}
    KafkaResult<int> partitionsOf(const std::string& topic) const;
    KafkaResult<> create(const TopicWish& wish, bool onlyAsks) const;
    KafkaResult<> describe(const std::string& topic, TopicFacts& facts) const;
    KafkaResult<std::optional<Progress>> readFrom(const std::string& topic, const std::string& key,
                                                  std::int64_t from, std::int64_t high) const;
    // With what the connection said last.
    std::string reached(const std::string& what) const;
    // Of a question that nobody answered.
    [[nodiscard]] tl::unexpected<KafkaFailure> unanswered(const std::string& what,
                                                          rd_kafka_resp_err_t code) const;

    const std::string brokers_;
    const std::unique_ptr<Client> client_;
    mutable bool hasAnswered_;
};

}  // namespace tidemill::outputs
