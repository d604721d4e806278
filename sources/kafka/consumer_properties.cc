#include "sources/kafka/consumer_properties.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <string>

#include "core/logging.h"

namespace tidemill::sources::kafka {
namespace {

constexpr std::size_t kGroupBytesMax = 128;
constexpr std::size_t kTopicBytesMax = 249;  // Kafka's own
constexpr std::size_t kTopicsMax = 1'000;

// The source loses or doubles records with other values.
const Properties& fixedProperties() {
    static const Properties kFixed{
        {"isolation.level", "read_committed"},
        {"auto.offset.reset", "error"},
        {"check.crcs", "true"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "false"},
        {"allow.auto.create.topics", "false"},
    };
    return kFixed;
}

// The options have names of their own for these.
const std::set<std::string>& namedProperties() {
    static const std::set<std::string> kNamed{"bootstrap.servers", "metadata.broker.list",
                                              "group.id"};
    return kNamed;
}

core::Result<> invalid(const std::string& message) {
    return core::fail(core::ErrorKind::kInvalid, message);
}

bool isTopicName(const std::string& name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= kTopicBytesMax && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(), fits);
}

core::Result<> checkTopics(const KafkaOptions& options) {
    if (options.topics.empty() == options.pattern.empty())
        return invalid("kafka: say either topics or a pattern of their names");
    if (options.topics.size() > kTopicsMax)
        return invalid("kafka: " + std::to_string(options.topics.size()) +
                       " topics are named; at most " + std::to_string(kTopicsMax));
    std::set<std::string> seen;
    for (const auto& topic : options.topics) {
        if (!isTopicName(topic))
            return invalid("kafka: \"" + core::escaped(topic, 60) +
                           "\" is no name of a topic: 1 to 249 letters, digits, '.', '_', '-'");
        if (!seen.insert(topic).second)
            return invalid("kafka: topic \"" + topic + "\" is named twice");
    }
    if (!options.pattern.empty()) {
        const re2::RE2 pattern(options.pattern, re2::RE2::Quiet);
        if (!pattern.ok())
            return invalid("kafka: pattern \"" + core::escaped(options.pattern, 60) +
                           "\": " + pattern.error());
    }
    return {};
}

}  // namespace

core::Result<> checkOptions(const KafkaOptions& options) {
    if (options.brokers.empty())
        return invalid("kafka: no brokers; name some as \"host:9092,other:9092\"");
    TM_TRY(checkTopics(options));
    const auto isPrintable = [](char c) { return c > ' ' && c < 0x7f; };
    if (options.group.empty() || options.group.size() > kGroupBytesMax ||
        !std::all_of(options.group.begin(), options.group.end(), isPrintable))
        return invalid("kafka: group \"" + core::escaped(options.group, 60) +
                       "\" must be 1 to 128 printable bytes without spaces");
    if (options.discoverEvery < std::chrono::milliseconds(100))
        return invalid("kafka: discoverEvery is " + std::to_string(options.discoverEvery.count()) +
                       " ms; at least 100");
    for (const auto& [name, value] : options.properties) {
        if (namedProperties().contains(name))
            return invalid("kafka: property \"" + name +
                           "\" has a name of its own: brokers, or group");
        if (fixedProperties().contains(name))
            return invalid("kafka: property \"" + name + "\" is always \"" +
                           fixedProperties().at(name) +
                           "\": with another value records would be lost or come twice");
    }
    return {};
}

Properties consumerProperties(const KafkaOptions& options) {
    // What waits in the client is bounded by records, of which each takes some 400 bytes beside its
    // payload, and by the payload.
    Properties all{
        {"client.id", "tidemill"},
        {"queued.min.messages", std::to_string(kQueuedRecords)},
        {"queued.max.messages.kbytes", "65536"},
        {"fetch.message.max.bytes", "4194304"},
        {"fetch.wait.max.ms", "100"},
        {"reconnect.backoff.max.ms", "2000"},
    };
    for (const auto& [name, value] : options.properties) all[name] = value;
    for (const auto& [name, value] : fixedProperties()) all[name] = value;
    // For failedFetch().
    auto& debug = all["debug"];
    debug += debug.empty() ? "topic" : ",topic";
    all["bootstrap.servers"] = options.brokers;
    all["group.id"] = options.group;
    return all;
}

}  // namespace tidemill::sources::kafka
