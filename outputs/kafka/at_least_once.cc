// The cheap form: no transactions; what was not delivered makes the whole batch come again.
#include <optional>

#include "core/failpoint.h"
#include "outputs/kafka/group.h"

namespace tidemill::outputs {
namespace {

using core::Result;
using core::TaskFailure;
using core::Visibility;

class AtLeastOnce final : public KafkaGroup {
public:
    Result<> open(const core::OutputOpening&) override { return checkOptions(); }

    Visibility run(core::BatchRun& run) override {
        while (true) {
            const auto sent = attempt(run);
            if (sent) break;
            producer_.reset();
            patience_.wait(sent.error().trouble, sent.error().error);
        }
        patience_.over(peer());
        return Visibility::kNow;
    }

    void close() override { producer_.reset(); }

private:
    KafkaResult<> attempt(core::BatchRun& run) {
        const auto batch = toString(run.record().batch);
        std::optional<KafkaFailure> failure;
        const auto leave = [&](KafkaFailure why) {
            failure = std::move(why);
            throw TaskFailure(failure->error);
        };
        const auto ready = [&]() -> const Producer& {
            connect();
            if (auto begun = producer_->begin(); !begun) leave(std::move(begun.error()));
            return *producer_;
        };
        const auto send = [&](const KafkaMember& member, const KafkaMessage& message) {
            auto sent = producer_->send(member.options.topic, message,
                                        member.options.batchHeader ? batch : std::string());
            if (!sent) leave(std::move(sent.error()));
        };
        try {
            if (scan(run, ready, send) == 0) return {};
        } catch (const TaskFailure&) {
            if (!failure) throw;
            return tl::unexpected(std::move(*failure));
        }
        return producer_->flush();
    }

    void connect() {
        while (!producer_) {
            const auto connected = tryToConnect();
            if (connected) return;
            patience_.wait(connected.error().trouble, connected.error().error);
        }
    }

    KafkaResult<> tryToConnect() {
        auto cluster = Cluster::make(shared().brokers, shared().properties, hasAnswered_);
        if (!cluster) return tl::unexpected(KafkaFailure{Trouble::kPermanent, cluster.error()});
        const auto bytesMax = seeTopics(**cluster);
        hasAnswered_ = (*cluster)->hasAnswered();
        if (!bytesMax) return tl::unexpected(bytesMax.error());
        Producer::Options options;
        options.brokers = shared().brokers;
        options.properties = shared().properties;
        options.messageBytesMax = *bytesMax;
        options.isOver = [this] { return patience_.isOver(); };
        auto made = Producer::make(options);
        if (!made) return tl::unexpected(KafkaFailure{Trouble::kPermanent, made.error()});
        for (const auto& member : members())
            if (auto learnt = (*made)->learn(member.options.topic); !learnt) return learnt;
        producer_ = std::move(*made);
        return {};
    }

    std::unique_ptr<Producer> producer_;
    bool hasAnswered_ = false;
};

}  // namespace

std::unique_ptr<KafkaGroup> makeAtLeastOnce() { return std::make_unique<AtLeastOnce>(); }

}  // namespace tidemill::outputs
