#include "tools/kafka_output_spec.h"

#include <algorithm>

#include "core/logging.h"
#include "outputs/kafka/output.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

constexpr std::size_t kTopicBytesMax = 249;  // Kafka's own
constexpr std::int64_t kPartitionsMax = 100'000;

bool isTopicByte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

void checkTopic(const std::string& topic, Position at, JobFileErrors& errors) {
    const bool isName = !topic.empty() && topic.size() <= kTopicBytesMax && topic != "." &&
                        topic != ".." && std::all_of(topic.begin(), topic.end(), isTopicByte);
    if (!isName)
        errors.add(at, "\"" + core::escaped(topic, 60) +
                           "\" cannot be the name of a Kafka topic: letters, digits, '.', '_' and "
                           "'-', at most " +
                           std::to_string(kTopicBytesMax));
}

std::string progressTopicOf(const std::string& job) {
    std::string topic = "tidemill-progress-" + job;
    for (char& c : topic)
        if (!isTopicByte(c)) c = '_';
    return topic.substr(0, kTopicBytesMax);
}

}  // namespace

KafkaOutputSpec readKafkaOutput(TomlTable& table, const std::string& job, JobFileErrors& errors) {
    KafkaOutputSpec spec;
    auto& options = spec.options;
    options.brokers = table.requiredText("brokers");
    options.topic = table.requiredText("topic");
    if (!options.topic.empty()) checkTopic(options.topic, table.at("topic"), errors);
    options.exactlyOnce = table.boolean("exactly_once", true);
    options.progressTopic = table.text("progress_topic", progressTopicOf(job));
    checkTopic(options.progressTopic, table.at("progress_topic"), errors);
    if (options.exactlyOnce && options.topic == options.progressTopic)
        errors.add(table.at("topic"), "topic \"" + options.topic +
                                          "\" is where the job's progress is kept; send results "
                                          "to another");
    options.transactionTimeout = table.duration("transaction_timeout", options.transactionTimeout);
    if (options.transactionTimeout < Duration(1000))
        errors.add(table.at("transaction_timeout"), "transaction_timeout must be at least 1s");
    options.create = table.boolean("create", false);
    options.partitions = static_cast<int>(table.integer("partitions", -1, 1, kPartitionsMax));
    options.replication = static_cast<int>(table.integer("replication", -1, 1, 1000));
    for (auto& [name, value] : table.pairs("topic_config")) options.topicConfig[name] = value;
    options.batchHeader = table.boolean("batch_header", true);
    for (auto& [name, value] : table.pairs("kafka")) options.properties[name] = value;
    if (const auto refused = outputs::refusedKafkaProperty(options.properties))
        errors.add(table.at("kafka"), *refused);
    spec.key = table.texts("key");
    spec.value = table.text("value", "");
    spec.headers = table.pairs("headers");
    return spec;
}

}  // namespace tidemill::tools
