// Each batch once in Kafka: one transaction per batch, which ends with a record of the progress.
// docs/guide/kafka_output.md has the steps P0 to P5 that the comments name, and why they suffice.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "outputs/kafka/group.h"
#include "outputs/kafka/progress.h"

namespace tidemill::outputs {

class ExactlyOnce final : public KafkaGroup {
public:
    ExactlyOnce();
    core::Result<> open(const core::OutputOpening& opening) override;
    // Which batch sent something last. Asks the brokers once in a life, when no batch was run
    // before.
    std::string note() override;
    core::Visibility run(core::BatchRun& run) override;
    void close() override;

private:
    // P0 to P2, until they succeed.
    void connect();
    KafkaResult<> tryToConnect();
    KafkaResult<std::unique_ptr<Producer>> newProducer(std::size_t messageBytesMax);
    // P3. True: the batch is in the topics.
    bool decide(const Sending& sending);
    [[noreturn]] void refuse(Standing standing, const Sending& sending) const;

    // P4 and P5, once. The records that were sent; those of an earlier run are not counted.
    KafkaResult<core::Visibility> attempt(core::BatchRun& run, const Sending& sending);
    KafkaResult<> sendProgress(const Sending& sending, std::uint64_t records);
    KafkaResult<> finish(const Sending& sending, std::uint64_t records);
    // What the note of the batch's record says.
    std::optional<std::uint64_t> previousOf(const core::BatchRecord& record) const;
    std::string noteHead() const;
    void producerGoes();

    bool opened_ = false;
    std::string owner_;
    core::Boundary last_;
    const std::uint64_t writer_;
    std::unique_ptr<Cluster> cluster_;
    std::unique_ptr<Producer> producer_;  // none: the next batch begins at P0
    std::optional<Progress> found_;       // by P2 of that producer, moved on by its commits
    bool decided_ = false;                // P3 was passed since P2

    std::optional<std::uint64_t> previous_;  // the last batch that sent something; 0: none
    core::BatchId ran_;
    core::Visibility visibility_ = core::Visibility::kNow;
};

}  // namespace tidemill::outputs
