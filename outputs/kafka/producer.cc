#include "outputs/kafka/producer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "outputs/kafka/mutant.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;
using core::Result;
using std::chrono::milliseconds;

constexpr int kInitMillis = 10'000;
constexpr int kRequestMillis = 10'000;
constexpr int kAbortMillis = 5'000;
constexpr std::chrono::seconds kUsualMax{5};  // of a transaction
constexpr std::uint32_t kDrainEvery = 1000;   // records
// A set of records, its header and those of the record within.
constexpr std::size_t kFramingBytes = 256;
constexpr std::size_t kMessageBytesMin = 1000;             // librdkafka's least
constexpr std::size_t kMessageBytesByDefault = 1'000'000;  // librdkafka's

int millisOf(milliseconds time) { return static_cast<int>(time.count()); }

// What the library was told, or would take.
std::size_t messageBytesMax(const Producer::Options& options) {
    std::size_t bytes = kMessageBytesByDefault;
    if (const auto own = options.properties.find("message.max.bytes");
        own != options.properties.end())
        std::from_chars(own->second.data(), own->second.data() + own->second.size(), bytes);
    if (options.messageBytesMax != 0) bytes = std::min(bytes, options.messageBytesMax);
    return std::max(bytes, kMessageBytesMin);
}

}  // namespace

std::optional<std::string> Producer::refused(const Properties& properties) {
    constexpr std::array kOurs = std::to_array<std::pair<const char*, const char*>>({
        {"bootstrap.servers", "it is the option brokers"},
        {"metadata.broker.list", "it is the option brokers"},
        {"transactional.id", "exactness needs that it is the data directory's"},
        {"transaction.timeout.ms", "it is the option transaction_timeout"},
        {"enable.idempotence", "records would be doubled by a lost answer"},
        {"isolation.level", "exactness needs both, each in its place"},
        {"acks", "records would be lost with a broker"},
        {"request.required.acks", "records would be lost with a broker"},
        {"enable.partition.eof", "the progress is read with it"},
        {"allow.auto.create.topics", "topics are made by create = true only"},
        {"delivery.report.only.error", "not needed"},
    });
    for (const auto& [name, reason] : kOurs)
        if (properties.contains(name))
            return "Kafka setting " + std::string(name) + " cannot be set here: " + reason;
    return std::nullopt;
}

Result<std::unique_ptr<Producer>> Producer::make(const Options& options) {
    Properties all = options.properties;
    const auto bytesMax = messageBytesMax(options);
    all["bootstrap.servers"] = options.brokers;
    all["message.max.bytes"] = std::to_string(bytesMax);
    all.try_emplace("queue.buffering.max.kbytes", "65536");
    all.try_emplace("partitioner", "murmur2_random");  // as the Java clients
    all["enable.idempotence"] = "true";
    if (!options.transactionalId.empty()) {
        all["transactional.id"] = options.transactionalId;
        all["transaction.timeout.ms"] = std::to_string(options.transactionTimeout.count());
        // Of the question for watermarks alone.
        all["isolation.level"] = "read_uncommitted";
    }
    TM_ASSIGN(auto client, Client::make(RD_KAFKA_PRODUCER, all));
    return std::unique_ptr<Producer>(
        new Producer(std::move(client), options, bytesMax - kFramingBytes));
}

KafkaResult<> Producer::init() {
    const rdkafka::ErrorObject error(rd_kafka_init_transactions(client_->get(), kInitMillis));
    if (error) return kafkaFail("Kafka transactions cannot begin", *error);
    return {};
}

rd_kafka_topic_t* Producer::handle(const std::string& name) {
    auto& topic = topics_[name];
    if (!topic) topic = client_->topic(name);
    return topic.get();
}

KafkaResult<> Producer::learn(const std::string& topic) {
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto code =
        rd_kafka_metadata(client_->get(), 0, handle(topic), &metadata, kRequestMillis);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafkaFail("Kafka topic " + topic + " cannot be asked for", code);
    rd_kafka_metadata_destroy(metadata);
    return {};
}

KafkaResult<Watermarks> Producer::watermarks(const std::string& topic) const {
    Watermarks marks;
    const auto code = rd_kafka_query_watermark_offsets(client_->get(), topic.c_str(), 0, &marks.low,
                                                       &marks.high, kRequestMillis);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafkaFail("Kafka topic " + topic + " cannot be asked for its end", code);
    return marks;
}

KafkaResult<> Producer::begin() {
    client_->drain();
    client_->forgetUndelivered();
    unusualBefore_ = client_->unusual();
    begun_ = std::chrono::steady_clock::now();
    if (options_.transactionalId.empty()) return {};
    const rdkafka::ErrorObject error(rd_kafka_begin_transaction(client_->get()));
    if (error) return kafkaFail("Kafka transaction cannot begin", *error);
    return {};
}

std::size_t Producer::sizeBytes(const KafkaMessage& message) {
    std::size_t bytes = message.key.size() + message.value.size();
    for (const auto& [name, value] : message.headers) bytes += name.size() + value.size() + 10;
    return bytes;
}

KafkaResult<> Producer::send(const std::string& topic, const KafkaMessage& message,
                             const std::string& batch) {
    parts_.clear();
    const auto part = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
        auto& added = parts_.emplace_back();
        added.vtype = type;
        return added;
    };
    part(RD_KAFKA_VTYPE_RKT).u.rkt = handle(topic);
    part(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
    const auto bytes = [&](rd_kafka_vtype_t type, const std::string& text, bool has) {
        auto& mem = part(type).u.mem;
        mem.ptr = has ? const_cast<char*>(text.data()) : nullptr;
        mem.size = has ? text.size() : 0;
    };
    bytes(RD_KAFKA_VTYPE_VALUE, message.value, message.hasValue);
    bytes(RD_KAFKA_VTYPE_KEY, message.key, message.hasKey);
    const auto header = [&](const std::string& name, const std::string& value) {
        auto& made = part(RD_KAFKA_VTYPE_HEADER).u.header;
        made.name = name.c_str();
        made.val = value.data();
        made.size = static_cast<ssize_t>(value.size());
    };
    static const std::string kBatchHeader = "tidemill-batch";
    if (!batch.empty()) header(kBatchHeader, batch);
    for (const auto& [name, value] : message.headers) header(name, value);
    if (++sinceDrain_ >= kDrainEvery) {
        sinceDrain_ = 0;
        client_->drain();
    }
    while (true) {
        const rdkafka::ErrorObject error(
            rd_kafka_produceva(client_->get(), parts_.data(), parts_.size()));
        if (!error) return {};
        if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return kafkaFail("Kafka topic " + topic + " does not take a record", *error);
        // It ends: what waits too long fails, and the transaction with it.
        rd_kafka_poll(client_->get(), 10);
        if (auto so = goesOn(); !so) return so;
    }
}

KafkaResult<> Producer::delivered() const {
    const auto& undelivered = client_->undelivered();
    if (undelivered.code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    auto failure =
        kafkaFail("Kafka topic " + undelivered.topic + " did not take a record", undelivered.code);
    failure.value().abortable = true;
    return failure;
}

KafkaResult<> Producer::goesOn() const {
    if (auto so = delivered(); !so) return so;
    if (client_->unusual() == unusualBefore_ || !options_.isOver()) return {};
    return kafkaFail("Kafka records could not be sent " + whatHappened(),
                     RD_KAFKA_RESP_ERR__TIMED_OUT);
}

KafkaResult<> Producer::flush() {
    // What waits longer than its time fails, so that this ends.
    while (rd_kafka_flush(client_->get(), 100) == RD_KAFKA_RESP_ERR__TIMED_OUT)
        if (auto so = goesOn(); !so) return so;
    client_->drain();
    return delivered();
}

KafkaResult<> Producer::commit() {
    const rdkafka::ErrorObject error(
        rd_kafka_commit_transaction(client_->get(), millisOf(options_.transactionTimeout)));
    // An answer of success may come with what went wrong on the way still unread.
    client_->drain();
    if (error) return kafkaFail("Kafka transaction was not committed", *error);
    return {};
}

void Producer::abort() {
    const rdkafka::ErrorObject ignored(rd_kafka_abort_transaction(client_->get(), kAbortMillis));
}

bool Producer::mustGo() const {
    if (mutant() == Mutant::kKeepsProducer) return false;
    return client_->unusual() != unusualBefore_ || age() > kUsualMax;
}

std::string Producer::whatHappened() const {
    const auto millis = std::chrono::duration_cast<milliseconds>(age()).count();
    const auto last = client_->unusual() != unusualBefore_ ? client_->lastUnusual() : "";
    return "after " + std::to_string(millis) + " ms" + (last.empty() ? "" : ", last: " + last);
}

}  // namespace tidemill::outputs
