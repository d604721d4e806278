// A producer: transactions, or the cheap form without. Thread safety: worker-confined.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "outputs/kafka/client.h"
#include "outputs/kafka/cluster.h"
#include "outputs/kafka/options.h"

namespace tidemill::outputs {

class Producer {
public:
    struct Options {
        std::string brokers;
        Properties properties;
        std::string transactionalId;  // empty: no transactions
        std::chrono::milliseconds transactionTimeout{60'000};
        std::size_t messageBytesMax = 0;  // what the topics take; 0: unknown
        // The job ends: what is in trouble is left. Asked while something is waited for.
        std::function<bool()> isOver = [] { return false; };
    };
    static core::Result<std::unique_ptr<Producer>> make(const Options& options);

    // Settings that are not the user's, and why not; none when all may stay.
    static std::optional<std::string> refused(const Properties& properties);

    // P0: fences older producers of this id and waits until their transaction is settled.
    KafkaResult<> init();
    // Where the topic's partitions are; else its first record waits a second.
    KafkaResult<> learn(const std::string& topic);
    // P1: both ends of a partition as readers see it that look at open transactions too.
    KafkaResult<Watermarks> watermarks(const std::string& topic) const;

    KafkaResult<> begin();
    // Queues the record; waits while the queue is full. The bytes are copied. `batch`: of the
    // header, empty for none.
    KafkaResult<> send(const std::string& topic, const KafkaMessage& message,
                       const std::string& batch);
    // Waits until all that was sent is with the brokers.
    KafkaResult<> flush();
    KafkaResult<> commit();
    // So that readers need not wait for the transaction's timeout. Best effort.
    void abort();

    // Rule R: since begin() something happened that may leave a request of this transaction behind
    // that the brokers have not seen yet: it could meet the next one. Such a producer must go.
    bool mustGo() const;
    // For messages.
    std::string whatHappened() const;

    // Key, value and headers of a record must not be more.
    std::size_t recordBytesMax() const { return recordBytesMax_; }
    static std::size_t sizeBytes(const KafkaMessage& message);

private:
    Producer(std::unique_ptr<Client> client, const Options& options, std::size_t recordBytesMax)
        : options_(options), client_(std::move(client)), recordBytesMax_(recordBytesMax) {}
    rd_kafka_topic_t* handle(const std::string& topic);
    KafkaResult<> delivered() const;
    // Whether what is on its way is to be waited for.
    KafkaResult<> goesOn() const;
    std::chrono::steady_clock::duration age() const {
        return std::chrono::steady_clock::now() - begun_;
    }

    const Options options_;
    const std::unique_ptr<Client> client_;
    std::map<std::string, TopicHandle> topics_;  // destroyed before the client
    const std::size_t recordBytesMax_;
    std::vector<rd_kafka_vu_t> parts_;
    std::uint32_t sinceDrain_ = 0;
    std::chrono::steady_clock::time_point begun_;
    std::uint64_t unusualBefore_ = 0;
};

}  // namespace tidemill::outputs
