// The Kafka outputs of a job to one cluster: they share a transaction per batch, or send on their
// own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_run.h"
#include "core/output.h"
#include "core/peer_wait.h"
#include "outputs/kafka/cluster.h"
#include "outputs/kafka/options.h"
#include "outputs/kafka/producer.h"
#include "outputs/patience.h"

namespace tidemill::outputs {

using KafkaSend = std::function<void(const KafkaMessage&)>;
// Calls send for each record that the batch has for the topic, in the same order each time.
using KafkaScan = std::function<void(core::BatchRun&, const KafkaSend&)>;

struct KafkaMember {
    KafkaOutputOptions options;
    KafkaScan scan;
    std::uint32_t number = 0;  // OutputOperation::number
};

// Thread safety: as an OutputOperation.
class KafkaGroup {
public:
    virtual ~KafkaGroup() = default;
    KafkaGroup() = default;
    KafkaGroup(const KafkaGroup&) = delete;
    KafkaGroup& operator=(const KafkaGroup&) = delete;

    void add(KafkaMember member) { members_.push_back(std::move(member)); }
    const std::vector<KafkaMember>& members() const { return members_; }

    // The following are called for each member; what is done is done for the first.
    virtual core::Result<> open(const core::OutputOpening& opening) = 0;
    virtual std::string note() { return {}; }
    virtual core::Visibility run(core::BatchRun& run) = 0;
    virtual void close() = 0;
    // Thread-safe.
    std::optional<core::PeerWait> peerWait() const { return patience_.waits(); }
    void waitAtMost(std::chrono::nanoseconds grace) { patience_.waitAtMost(grace); }

    // Errors (kInvalid): settings that cannot be, or differ where they must not.
    core::Result<> checkOptions() const;

protected:
    std::string peer() const { return "Kafka brokers=" + shared().brokers; }
    const KafkaOutputOptions& shared() const { return members_.front().options; }
    // Takes in what the topics of all members take, and makes those that it may make. Returns the
    // least of their limits for a set of records; 0: unknown.
    KafkaResult<std::size_t> seeTopics(const Cluster& cluster);

    // Scans all members: first ready(), when there is a record; then for each record
    // send(member, message), or what the error policy says where its topic cannot take it. What
    // both throw comes out again. Returns how many were sent.
    std::uint64_t scan(
        core::BatchRun& run, const std::function<const Producer&()>& ready,
        const std::function<void(const KafkaMember&, const KafkaMessage&)>& send) const;

    std::vector<KafkaMember> members_;
    std::vector<TopicFacts> facts_;  // of members_
    Patience patience_;
};

std::unique_ptr<KafkaGroup> makeExactlyOnce();
std::unique_ptr<KafkaGroup> makeAtLeastOnce();

}  // namespace tidemill::outputs
