#include "outputs/kafka/cluster.h"

#include <algorithm>
#include <charconv>

#include "core/logging.h"
#include "outputs/kafka/mutant.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;
using core::Result;

constexpr int kRequestMillis = 3'000;
constexpr int kAdminMillis = 20'000;
constexpr std::chrono::seconds kReadMax{30};
// Of the progress topic: nearly always the record stands within the last ones.
constexpr std::int64_t kTailOffsets = 2000;

// The answer to an administrative request that begin(queue) sends; null: none in time.
template <class Begin>
rdkafka::Event answerTo(rd_kafka_t* handle, Begin begin) {
    const rdkafka::Queue queue(rd_kafka_queue_new(handle));
    begin(queue.get());
    return rdkafka::Event(rd_kafka_queue_poll(queue.get(), kAdminMillis));
}

// Stops when it goes.
class Consuming {
public:
    Consuming(rd_kafka_topic_t* topic, std::int64_t from)
        : topic_(topic), started_(rd_kafka_consume_start(topic, 0, from) == 0) {}
    ~Consuming() {
        if (started_) rd_kafka_consume_stop(topic_, 0);
    }
    Consuming(const Consuming&) = delete;
    Consuming& operator=(const Consuming&) = delete;
    bool started() const { return started_; }

private:
    rd_kafka_topic_t* topic_;
    bool started_;
};

std::size_t numberOf(const char* text) {
    std::size_t number = 0;
    const std::string_view digits(text == nullptr ? "" : text);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::make(const std::string& brokers,
                                               const Properties& properties, bool answeredBefore) {
    Properties all = properties;
    all["bootstrap.servers"] = brokers;
    all["allow.auto.create.topics"] = "false";
    all["isolation.level"] = "read_committed";
    all["enable.partition.eof"] = "true";
    all["check.crcs"] = "true";
    all["fetch.wait.max.ms"] = "10";
    TM_ASSIGN(auto client, Client::make(RD_KAFKA_CONSUMER, all));
    return std::unique_ptr<Cluster>(new Cluster(brokers, std::move(client), answeredBefore));
}

std::string Cluster::reached(const std::string& what) const {
    client_->drain();
    const auto last = client_->lastUnusual();
    return what + ": brokers=" + brokers_ + (last.empty() ? "" : " last error: " + last);
}

tl::unexpected<KafkaFailure> Cluster::unanswered(const std::string& what,
                                                 rd_kafka_resp_err_t code) const {
    auto failure = kafkaFail(reached(what), code);
    const auto& refusal = client_->refusal();
    if (hasAnswered_ || refusal.empty()) return failure;
    return permanent(ErrorKind::kIo, what + ": brokers=" + brokers_ + ": " + refusal);
}

TopicWish progressWish(const std::string& name) {
    return {name,
            true,
            1,
            -1,
            {{"cleanup.policy", "compact"},
             {"segment.bytes", "4194304"},
             {"min.cleanable.dirty.ratio", "0.1"}}};
}

std::string progressMisfit(const std::string& name, const TopicFacts& facts) {
    if (facts.partitions != 1)
        return "Kafka topic " + name + ", which keeps the progress, has " +
               std::to_string(facts.partitions) +
               " partitions and must have one; name another progress topic";
    if (!facts.cleanupPolicy.empty() && facts.cleanupPolicy != "compact")
        return "Kafka topic " + name +
               ", which keeps the progress, would lose it: cleanup.policy=" + facts.cleanupPolicy +
               " and must be compact";
    return {};
}

KafkaResult<std::string> Cluster::id() const {
    char* found = rd_kafka_clusterid(client_->get(), kRequestMillis);
    if (found == nullptr)
        return unanswered("Kafka cannot be reached", RD_KAFKA_RESP_ERR__TIMED_OUT);
    hasAnswered_ = true;
    std::string id(found);
    rd_kafka_mem_free(client_->get(), found);
    return id;
}

KafkaResult<int> Cluster::partitionsOf(const std::string& name) const {
    const auto topic = client_->topic(name);
    if (!topic)
        return permanent(ErrorKind::kInvalid,
                         "Kafka topic has a name that cannot be: " + core::escaped(name));
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto code = rd_kafka_metadata(client_->get(), 0, topic.get(), &metadata, kRequestMillis);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return unanswered("Kafka topic " + name + " cannot be asked for", code);
    const rdkafka::Metadata owned(metadata);
    hasAnswered_ = true;
    if (metadata->topic_cnt != 1)
        return kafkaFail("Kafka topic " + name, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC);
    const auto& found = metadata->topics[0];
    if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        found.err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return 0;
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return kafkaFail("Kafka topic " + name, found.err);
    return found.partition_cnt;
}

KafkaResult<TopicFacts> Cluster::topic(const TopicWish& wish) const {
    TopicFacts facts;
    auto partitions = partitionsOf(wish.name);
    if (partitions && *partitions == 0) {
        if (!wish.create)
            return permanent(ErrorKind::kNotFound,
                             "Kafka topic " + wish.name + " does not exist: brokers=" + brokers_ +
                                 "; create it, or let the output create it (create = true)");
        if (auto created = create(wish, false); !created) return tl::unexpected(created.error());
        // The brokers tell each other a moment later.
        for (int i = 0; i < 100 && (partitions = partitionsOf(wish.name)) && *partitions == 0; ++i)
            rd_kafka_poll(client_->get(), 50);
        if (partitions && *partitions == 0)
            return kafkaFail("Kafka topic " + wish.name + " was created and is not there",
                             RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    if (!partitions) return tl::unexpected(partitions.error());
    facts.partitions = *partitions;
    if (auto described = describe(wish.name, facts); !described)
        return tl::unexpected(described.error());
    return facts;
}

KafkaResult<std::optional<TopicFacts>> Cluster::find(const std::string& name) const {
    const auto partitions = partitionsOf(name);
    if (!partitions) return tl::unexpected(partitions.error());
    if (*partitions == 0) return std::optional<TopicFacts>();
    TopicFacts facts;
    facts.partitions = *partitions;
    if (auto described = describe(name, facts); !described)
        return tl::unexpected(described.error());
    return std::optional(facts);
}

KafkaResult<> Cluster::create(const TopicWish& wish, bool onlyAsks) const {
    char text[512] = "";
    std::unique_ptr<rd_kafka_NewTopic_t, void (*)(rd_kafka_NewTopic_t*)> topic(
        rd_kafka_NewTopic_new(wish.name.c_str(), wish.partitions, wish.replication, text,
                              sizeof text),
        rd_kafka_NewTopic_destroy);
    if (!topic)
        return permanent(ErrorKind::kInvalid,
                         "Kafka topic " + wish.name + " cannot be created: " + text);
    for (const auto& [name, value] : wish.config)
        rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
    const auto event = answerTo(client_->get(), [&](rd_kafka_queue_t* queue) {
        auto* options = rd_kafka_AdminOptions_new(client_->get(), RD_KAFKA_ADMIN_OP_CREATETOPICS);
        rd_kafka_AdminOptions_set_operation_timeout(options, 10'000, text, sizeof text);
        rd_kafka_AdminOptions_set_validate_only(options, onlyAsks ? 1 : 0, text, sizeof text);
        auto* raw = topic.get();
        rd_kafka_CreateTopics(client_->get(), &raw, 1, options, queue);
        rd_kafka_AdminOptions_destroy(options);
    });
    const std::string what = "Kafka topic " + wish.name + " cannot be created";
    if (!event) return kafkaFail(reached(what), RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafkaFail(what, code, rd_kafka_event_error_string(event.get()));
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = rd_kafka_topic_result_error(results[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (!onlyAsks) core::logInfo("created Kafka topic " + wish.name);
        } else if (code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            const char* said = rd_kafka_topic_result_error_string(results[i]);
            return kafkaFail(what, code, said == nullptr ? "" : said);
        }
    }
    return {};
}

// Who may not ask has the limits of the brokers' defaults.
KafkaResult<> Cluster::describe(const std::string& topic, TopicFacts& facts) const {
    auto* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
    const std::unique_ptr<rd_kafka_ConfigResource_t, void (*)(rd_kafka_ConfigResource_t*)> owned(
        resource, rd_kafka_ConfigResource_destroy);
    const auto event = answerTo(client_->get(), [&](rd_kafka_queue_t* queue) {
        rd_kafka_DescribeConfigs(client_->get(), &resource, 1, nullptr, queue);
    });
    if (!event)
        return kafkaFail(reached("Kafka topic " + topic + " cannot be described"),
                         RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    std::size_t count = 0;
    const auto* results = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t entries = 0;
        const auto* config = rd_kafka_ConfigResource_configs(results[i], &entries);
        for (std::size_t k = 0; k < entries; ++k) {
            const std::string_view name = rd_kafka_ConfigEntry_name(config[k]);
            const char* value = rd_kafka_ConfigEntry_value(config[k]);
            if (name == "max.message.bytes") facts.messageBytesMax = numberOf(value);
            if (name == "cleanup.policy" && value != nullptr) facts.cleanupPolicy = value;
        }
    }
    return {};
}

KafkaResult<std::optional<Progress>> Cluster::lastProgress(const std::string& topic,
                                                           const std::string& key,
                                                           const Watermarks& marks) const {
    if (marks.low >= marks.high) return std::nullopt;
    const auto tail = std::max(marks.low, marks.high - kTailOffsets);
    auto found = readFrom(topic, key, tail, marks.high);
    if (!found || *found || tail == marks.low) return found;
    return readFrom(topic, key, marks.low, marks.high);
}

KafkaResult<std::optional<Progress>> Cluster::readFrom(const std::string& name,
                                                       const std::string& key, std::int64_t from,
                                                       std::int64_t high) const {
    const auto topic = client_->topic(name);
    const Consuming consuming(topic.get(), from);
    const std::string what = "Kafka topic " + name + " cannot be read";
    if (!consuming.started()) return kafkaFail(what, rd_kafka_last_error());
    std::optional<Progress> last;
    const auto until = std::chrono::steady_clock::now() + kReadMax;
    while (std::chrono::steady_clock::now() < until) {
        client_->drain();
        const rdkafka::Message message(rd_kafka_consume(topic.get(), 0, 200));
        if (!message) {
            if (mutant() == Mutant::kNoWait) return last;
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            // The end of what is committed may lie below the end of what is there.
            if (message->offset >= high || mutant() == Mutant::kNoWait) return last;
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return kafkaFail(what, message->err, rd_kafka_message_errstr(message.get()));
        } else if (std::string_view(static_cast<const char*>(message->key), message->key_len) ==
                   key) {
            const auto progress =
                parseProgress({static_cast<const char*>(message->payload), message->len});
            if (!progress)
                return permanent(ErrorKind::kCorrupt,
                                 "Kafka topic " + name +
                                     " holds a record of this data directory that cannot be read: "
                                     "offset=" +
                                     std::to_string(message->offset));
            last = progress;
        }
    }
    return kafkaFail(reached(what + " up to offset " + std::to_string(high) +
                             ": a transaction in it is still open"),
                     RD_KAFKA_RESP_ERR__TIMED_OUT);
}

}  // namespace tidemill::outputs
