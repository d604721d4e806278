#include "outputs/kafka/group.h"

#include "core/failed_records.h"
#include "core/format.h"
#include "core/workers.h"

namespace tidemill::outputs {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::size_t kShownBytes = 4096;

// Why the topic would not take it; empty: it would.
std::string refusal(const TopicFacts& facts, const Producer& producer,
                    const KafkaMessage& message) {
    const auto bytes = Producer::sizeBytes(message);
    if (bytes > producer.recordBytesMax())
        return "the record has " + std::to_string(bytes) + " bytes, and at most " +
               std::to_string(producer.recordBytesMax()) + " can be sent";
    if (!message.hasKey && facts.cleanupPolicy.find("compact") != std::string::npos)
        return "the record has no key, and the topic is compacted";
    return {};
}

}  // namespace

Result<> KafkaGroup::checkOptions() const {
    const auto& first = shared();
    for (const auto& member : members_) {
        const auto& options = member.options;
        if (options.brokers.empty())
            return core::fail(ErrorKind::kInvalid, "Kafka output without brokers");
        if (options.topic.empty())
            return core::fail(ErrorKind::kInvalid,
                              "Kafka output without a topic: brokers=" + options.brokers);
        if (const auto refused = Producer::refused(options.properties))
            return core::fail(ErrorKind::kInvalid, *refused);
        if (options.properties != first.properties ||
            options.progressTopic != first.progressTopic ||
            options.transactionTimeout != first.transactionTimeout)
            return core::fail(ErrorKind::kInvalid,
                              "the Kafka outputs to one cluster share its transactions and must "
                              "have the same settings, progress topic and transaction timeout: "
                              "topics=" +
                                  first.topic + ", " + options.topic);
        if (options.exactlyOnce && options.topic == options.progressTopic)
            return core::fail(ErrorKind::kInvalid,
                              "Kafka topic " + options.topic +
                                  " is where the job's progress is kept; send records to another");
        if (options.transactionTimeout < std::chrono::seconds(1))
            return core::fail(ErrorKind::kInvalid,
                              "the transaction timeout of a Kafka output must be at least 1 s: " +
                                  std::to_string(options.transactionTimeout.count()) + " ms");
    }
    return {};
}

KafkaResult<std::size_t> KafkaGroup::seeTopics(const Cluster& cluster) {
    std::size_t least = 0;
    std::vector<TopicFacts> facts;
    for (const auto& member : members_) {
        const auto& options = member.options;
        auto found = cluster.topic({options.topic, options.create, options.partitions,
                                    options.replication, options.topicConfig});
        if (!found) return tl::unexpected(found.error());
        const auto bytes = found->messageBytesMax;
        if (bytes != 0 && (least == 0 || bytes < least)) least = bytes;
        facts.push_back(std::move(*found));
    }
    facts_ = std::move(facts);
    return least;
}

std::uint64_t KafkaGroup::scan(
    core::BatchRun& run, const std::function<const Producer&()>& ready,
    const std::function<void(const KafkaMember&, const KafkaMessage&)>& send) const {
    std::uint64_t sent = 0;
    const Producer* producer = nullptr;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const auto& member = members_[i];
        // No stream operator's number: what an output leaves out is counted by itself.
        const core::InputPlace place{~member.number, run.newScan(), 0, 0};
        const std::string operation = "Kafka topic " + member.options.topic;
        core::RecordGuard guard(run.failedRecords(), place, operation);
        member.scan(run, [&](const KafkaMessage& message) {
            if (producer == nullptr) producer = &ready();
            const auto reason = refusal(facts_[i], *producer, message);
            if (reason.empty()) {
                send(member, message);
                ++sent;
                return;
            }
            std::string record;
            core::appendPrintable(record, std::string_view(message.value).substr(0, kShownBytes));
            guard.reject(std::move(record), core::RecordKind::kRow, reason, nullptr);
        });
    }
    return sent;
}

}  // namespace tidemill::outputs
