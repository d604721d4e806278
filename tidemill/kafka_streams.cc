// Streams of Kafka topics.
#include <memory>
#include <stdexcept>
#include <utility>

#include "sources/kafka/consumer_properties.h"
#include "sources/kafka/kafka_input.h"
#include "sources/kafka/kafka_source.h"
#include "tidemill/streaming_context.h"

namespace tidemill {
namespace {

std::string topicsOf(const KafkaOptions& options) {
    if (!options.pattern.empty()) return "topics like \"" + options.pattern + "\"";
    std::string text = options.topics.size() == 1 ? "topic " : "topics ";
    for (const auto& topic : options.topics)
        text += (&topic == &options.topics.front() ? "" : ", ") + topic;
    return text;
}

}  // namespace

core::SourceId StreamingContext::kafkaSource(const char* kind, KafkaOptions options) {
    requireNotStarted(*job_, kind);
    if (const auto checked = sources::kafka::checkOptions(options); !checked)
        throw std::invalid_argument(std::string(kind) + ": " + checked.error().message);
    SourceDeclaration source;
    source.lanes = "kafka/" + options.group + "/";
    source.maxRate = options.maxRate;
    for (const auto& other : job_->sources)
        if (other.lanes == source.lanes)
            throw std::invalid_argument(std::string(kind) + ": another stream has the group \"" +
                                        options.group +
                                        "\", under which positions are kept; give each its own");
    source.kind = kind;
    source.framing = core::Framing::kPrefixed;
    source.isText = false;
    source.description =
        std::string(kind) + " reads " + topicsOf(options) + " from " + options.brokers;
    source.receive =
        [options = std::move(options)](
            const SourceEnvironment& environment) -> core::Result<std::shared_ptr<core::Source>> {
        sources::kafka::KafkaEnvironment made{
            environment.id,
            environment.log,
            environment.buffers,
            environment.observer,
            {environment.recordBytesMax, environment.blockBytesMax}};
        return std::make_shared<sources::kafka::KafkaSource>(std::move(made), options);
    };
    return job_->addSource(std::move(source));
}

DStream<KafkaRecord> StreamingContext::kafkaStream(KafkaOptions options) {
    const auto id = kafkaSource("kafkaStream", std::move(options));
    return {job_, job_->graph.add(std::make_shared<sources::kafka::KafkaInputNode<KafkaRecord>>(
                      "kafkaStream", id))};
}

DStream<std::string_view> StreamingContext::kafkaTextStream(KafkaOptions options) {
    const auto id = kafkaSource("kafkaTextStream", std::move(options));
    return {job_,
            job_->graph.add(std::make_shared<sources::kafka::KafkaInputNode<std::string_view>>(
                "kafkaTextStream", id))};
}

}  // namespace tidemill
