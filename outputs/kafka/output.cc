#include "outputs/kafka/output.h"

#include "core/peer_check.h"
#include "outputs/kafka/ask_topic.h"
#include "outputs/kafka/group.h"

namespace tidemill::outputs {
namespace {

class KafkaOutput final : public core::OutputOperation,
                          public core::WaitsForPeer,
                          public core::AsksPeer {
public:
    KafkaOutput(const KafkaOutputOptions& options, std::shared_ptr<KafkaGroup> group, bool leads)
        : description_("kafka topic=" + options.topic + " brokers=" + options.brokers +
                       (options.exactlyOnce ? "" : " at least once")),
          options_(options),
          leads_(leads),
          group_(std::move(group)) {}

    std::string describe() const override { return description_; }
    // librdkafka's queue, which is bounded, holds what is on its way.
    bool holdsRecords() const override { return false; }
    core::Result<> open(const core::OutputOpening& opening) override {
        return leads_ ? group_->open(opening) : core::Result<>{};
    }
    std::string note() override { return leads_ ? group_->note() : std::string(); }
    core::Visibility run(core::BatchRun& run) override { return group_->run(run); }
    core::Result<> close() override {
        group_->close();
        return {};
    }
    std::optional<core::PeerWait> peerWait() const override { return group_->peerWait(); }
    void waitAtMost(std::chrono::nanoseconds grace) override { group_->waitAtMost(grace); }

    core::PeerAnswer askPeer(const core::PeerQuestion& question) override {
        if (const auto right = group_->checkOptions(); !right) return {{}, {right.error().message}};
        return askTopic(options_, question);
    }

    // The group for another exact output to these brokers; else null.
    std::shared_ptr<KafkaGroup> groupFor(const KafkaOutputOptions& options) const {
        const bool same =
            options_.exactlyOnce && options.exactlyOnce && options_.brokers == options.brokers;
        return same ? group_ : nullptr;
    }

private:
    const std::string description_;
    const KafkaOutputOptions options_;
    const bool leads_;
    const std::shared_ptr<KafkaGroup> group_;
};

}  // namespace

std::optional<std::string> refusedKafkaProperty(
    const std::map<std::string, std::string>& properties) {
    return Producer::refused(properties);
}

void addKafkaOutput(core::Graph& graph, KafkaOutputOptions options, KafkaRecords records) {
    std::shared_ptr<KafkaGroup> group;
    for (const auto& output : graph.outputs())
        if (const auto* kafka = dynamic_cast<const KafkaOutput*>(output.get()); kafka && !group)
            group = kafka->groupFor(options);
    const bool leads = group == nullptr;
    if (leads) group = options.exactlyOnce ? makeExactlyOnce() : makeAtLeastOnce();
    auto output = std::make_unique<KafkaOutput>(options, group, leads);
    const auto number = static_cast<std::uint32_t>(graph.outputs().size());
    group->add({std::move(options), std::move(records), number});
    graph.addOutput(std::move(output));
}

}  // namespace tidemill::outputs
