// The rig of the Kafka output's tests: the job kafka_job, files of lines for it, and what a
// read_committed reader finds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/kafka/kafka_broker.h"
#include "tests/support/batch_harness.h"
#include "tests/support/child_process.h"

namespace tidemill::test {

struct TopicRecord {
    std::string key, value, batch;
    bool operator==(const TopicRecord&) const = default;
};

// All records of a topic, partition after partition. Throws std::runtime_error.
std::vector<TopicRecord> readTopic(const std::string& brokers, const std::string& topic,
                                   bool committedOnly = true);
// All topics that there are.
std::vector<std::string> topicsOf(const std::string& brokers);

// Lines and a ledger of them; jobs over them. Thread safety: externally synchronized.
class KafkaJobRig {
public:
    explicit KafkaJobRig(std::string brokers, std::string topic = "out");

    // A file of so many new lines, which appears whole.
    void feed(std::size_t lines);
    void feedLine(const std::string& key, const std::string& line);

    std::unique_ptr<ChildProcess> start(const std::vector<std::string>& more = {},
                                        const std::string& failpoint = {},
                                        const std::string& data = "data") const;
    // Until the topic has all lines that were fed; false when it takes longer.
    bool await(std::chrono::seconds longest = std::chrono::seconds(60)) const;
    // SIGTERM, and the exit code.
    int stop(ChildProcess& job) const;

    // What is wrong with topic and totals; empty: each line once, and totals and state are right.
    std::string problems() const;
    std::string words(std::size_t lines = 12) const { return tailOf(directory_ / "log", lines); }
    std::string allWords() const;
    const TemporaryDirectory& directory() const { return directory_; }
    const std::string& topic() const { return topic_; }
    std::size_t fed() const { return lines_; }

private:
    static void awaitHandler(const ChildProcess& job);

    TemporaryDirectory directory_;
    const std::string brokers_;
    const std::string topic_;
    std::size_t lines_ = 0, files_ = 0;
    std::map<std::string, std::int64_t> keys_;
};

}  // namespace tidemill::test
