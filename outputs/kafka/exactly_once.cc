#include "outputs/kafka/exactly_once.h"

#include <charconv>

#include "core/failpoint.h"
#include "core/logging.h"
#include "outputs/kafka/mutant.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;
using core::Result;
using core::TaskFailure;
using core::Visibility;

constexpr const char* kNoteBegin = "kafka 1 ";

// A failure inside of a scan, on its way out.
struct Broken {
    std::optional<KafkaFailure> failure;
    [[noreturn]] void leave(KafkaFailure why) {
        failure = std::move(why);
        throw TaskFailure(failure->error);
    }
};

}  // namespace

ExactlyOnce::ExactlyOnce() : writer_(randomWriter()) {}

Result<> ExactlyOnce::open(const core::OutputOpening& opening) {
    if (opened_) return {};
    TM_TRY(checkOptions());
    owner_ = opening.owner;
    last_ = opening.last;
    opened_ = true;
    return {};
}

void ExactlyOnce::close() {
    producer_.reset();
    cluster_.reset();
}

// A job that was changed may have other outputs in the places that notes name.
std::string ExactlyOnce::noteHead() const {
    return kNoteBegin + shared().brokers + " " + shared().progressTopic + " ";
}

std::string ExactlyOnce::note() {
    if (!previous_) {
        // The last recorded batch is complete, and so is what it sent: no question is open.
        connect();
        if (found_ && found_->batch > last_.batch.value)
            refuse(Standing::kNewer, {{owner_, last_.batch}, std::nullopt});
        previous_ = found_ ? found_->batch : 0;
    }
    return noteHead() + std::to_string(*previous_);
}

std::optional<std::uint64_t> ExactlyOnce::previousOf(const core::BatchRecord& record) const {
    const auto head = noteHead();
    for (const auto& note : record.notes) {
        if (!note.bytes.starts_with(head)) continue;
        std::uint64_t batch = 0;
        const char* const end = note.bytes.data() + note.bytes.size();
        if (std::from_chars(note.bytes.data() + head.size(), end, batch).ptr == end) return batch;
    }
    return std::nullopt;
}

Visibility ExactlyOnce::run(core::BatchRun& run) {
    const auto& record = run.record();
    if (record.batch == ran_) return visibility_;
    const Sending sending{run.mark(), previousOf(record)};
    while (true) {
        auto done = attempt(run, sending);
        if (done) {
            visibility_ = *done;
            break;
        }
        // The brokers settle what is left of it when the next producer says its name.
        producerGoes();
        patience_.wait(done.error().trouble, done.error().error);
    }
    patience_.over(peer());
    ran_ = record.batch;
    return visibility_;
}

void ExactlyOnce::producerGoes() {
    producer_.reset();
    decided_ = false;
}

void ExactlyOnce::connect() {
    while (true) {
        const auto connected = tryToConnect();
        if (connected) return;
        producerGoes();
        patience_.wait(connected.error().trouble, connected.error().error);
    }
}

KafkaResult<> ExactlyOnce::tryToConnect() {
    if (producer_) return {};
    const auto point = [](const char* name) { core::orThrow(core::reachFailpoint(name)); };
    if (!cluster_) {
        auto cluster = Cluster::make(shared().brokers, shared().properties);
        if (!cluster) return tl::unexpected(KafkaFailure{Trouble::kPermanent, cluster.error()});
        cluster_ = std::move(*cluster);
    }
    const auto bytesMax = seeTopics(*cluster_);
    if (!bytesMax) return tl::unexpected(bytesMax.error());
    const auto& progressTopic = shared().progressTopic;
    const auto facts = cluster_->topic(progressWish(progressTopic));
    if (!facts) return tl::unexpected(facts.error());
    if (auto misfit = progressMisfit(progressTopic, *facts); !misfit.empty())
        return permanent(ErrorKind::kInvalid, std::move(misfit));
    // P0
    auto producer = newProducer(*bytesMax);
    if (!producer) return tl::unexpected(producer.error());
    if (auto begun = (*producer)->init(); !begun) return begun;
    point("kafka.afterInit");
    for (const auto& member : members())
        if (auto learnt = (*producer)->learn(member.options.topic); !learnt) return learnt;
    if (auto learnt = (*producer)->learn(progressTopic); !learnt) return learnt;
    // P1
    const auto marks = (*producer)->watermarks(progressTopic);
    if (!marks) return tl::unexpected(marks.error());
    point("kafka.afterMark");
    // P2
    auto found = cluster_->lastProgress(progressTopic, owner_, *marks);
    if (!found) return tl::unexpected(found.error());
    point("kafka.afterRead");
    found_ = *found;
    decided_ = false;
    producer_ = std::move(*producer);
    return {};
}

KafkaResult<std::unique_ptr<Producer>> ExactlyOnce::newProducer(std::size_t messageBytesMax) {
    const auto cluster = cluster_->id();
    if (!cluster) return tl::unexpected(cluster.error());
    Producer::Options options;
    options.brokers = shared().brokers;
    options.properties = shared().properties;
    options.transactionalId = "tidemill/" + owner_ + "/" + *cluster;
    if (mutant() == Mutant::kRandomId) options.transactionalId += std::to_string(randomWriter());
    options.transactionTimeout = shared().transactionTimeout;
    options.messageBytesMax = messageBytesMax;
    options.isOver = [this] { return patience_.isOver(); };
    auto made = Producer::make(options);
    if (!made) return tl::unexpected(KafkaFailure{Trouble::kPermanent, made.error()});
    return std::move(*made);
}

bool ExactlyOnce::decide(const Sending& sending) {
    const auto decision = standing(found_, sending);
    if (decision != Standing::kSend && decision != Standing::kDone) refuse(decision, sending);
    core::orThrow(core::reachFailpoint("kafka.afterDecide"));
    decided_ = true;
    if (decision == Standing::kDone && found_->revision != sending.mark.revision)
        core::logWarning("batch " + toString(sending.mark.batch) +
                         " is in Kafka as it was before it was recorded anew, and stays so");
    return decision == Standing::kDone;
}

void ExactlyOnce::refuse(Standing decision, const Sending& sending) const {
    const std::string batch = toString(sending.mark.batch);
    std::string text = "Kafka topic " + shared().progressTopic + " (brokers=" + shared().brokers +
                       ") and data directory " + owner_ + " do not fit: the topic says batch " +
                       std::to_string(found_ ? found_->batch : 0) + ", the directory is at batch " +
                       batch;
    if (sending.previous) text += " behind batch " + std::to_string(*sending.previous);
    switch (decision) {
        case Standing::kNewer:
            text +=
                ". Was the data directory restored from an older copy? Use the one that wrote "
                "the topics, or a new one and new topics";
            break;
        case Standing::kMissing:
            text +=
                ". What was sent before is not there any more: was the topic deleted, or made "
                "anew? Whether batch " +
                batch +
                " was sent cannot be known. To send it, perhaps once more, name another "
                "progress topic";
            break;
        default:
            text += ". Another copy of the data directory has sent a batch of its own (writer " +
                    (found_ ? std::to_string(found_->writer) : std::string("?")) +
                    "): a job may run in one place only";
    }
    throw TaskFailure({ErrorKind::kConflict, text});
}

KafkaResult<Visibility> ExactlyOnce::attempt(core::BatchRun& run, const Sending& sending) {
    const auto batch = toString(sending.mark.batch);
    const auto point = [](const char* name) { core::orThrow(core::reachFailpoint(name)); };
    bool sends = false, began = false, any = false;
    Broken broken;
    const auto ready = [&]() -> const Producer& {
        any = true;
        connect();
        sends = decided_ || !decide(sending);
        return *producer_;
    };
    const auto send = [&](const KafkaMember& member, const KafkaMessage& message) {
        if (!sends) return;  // only what is left out is of interest
        if (!began) {
            if (auto begun = producer_->begin(); !begun) broken.leave(std::move(begun.error()));
            began = true;
            point("kafka.afterBegin");
        }
        auto sent = producer_->send(member.options.topic, message,
                                    member.options.batchHeader ? batch : std::string());
        if (!sent) broken.leave(std::move(sent.error()));
    };
    std::uint64_t records = 0;
    try {
        records = scan(run, ready, send);
    } catch (const TaskFailure&) {
        if (began && (!broken.failure || broken.failure->abortable)) producer_->abort();
        if (!broken.failure) throw;
        return tl::unexpected(std::move(*broken.failure));
    }
    if (any && !sends) {
        previous_ = sending.mark.batch.value;
        return Visibility::kBefore;
    }
    if (!began) {
        // It sends nothing; what was sent before is known from its record.
        if (!previous_) previous_ = sending.previous;
        return Visibility::kNow;
    }
    point("kafka.afterSend");
    if (auto finished = finish(sending, records); !finished) {
        if (finished.error().abortable) producer_->abort();
        return tl::unexpected(std::move(finished.error()));
    }
    point("kafka.afterCommit");
    previous_ = sending.mark.batch.value;
    // Rule R
    if (producer_->mustGo()) {
        core::logDebug("a new Kafka producer for the next batch: " + producer_->whatHappened());
        producerGoes();
    }
    return Visibility::kNow;
}

KafkaResult<> ExactlyOnce::sendProgress(const Sending& sending, std::uint64_t records) {
    const auto& mark = sending.mark;
    const Progress progress{
        mark.batch.value, found_ ? found_->batch : 0, records, mark.digest, mark.revision, writer_};
    KafkaMessage message;
    message.hasKey = true;
    message.key = owner_;
    message.value = encodeProgress(progress);
    if (auto sent = producer_->send(shared().progressTopic, message, {}); !sent) return sent;
    found_ = progress;
    return {};
}

KafkaResult<> ExactlyOnce::finish(const Sending& sending, std::uint64_t records) {
    const auto point = [](const char* name) { core::orThrow(core::reachFailpoint(name)); };
    if (mutant() != Mutant::kProgressOutside) {
        if (auto sent = sendProgress(sending, records); !sent) return sent;
    }
    if (auto flushed = producer_->flush(); !flushed) return flushed;
    point("kafka.beforeCommit");
    if (auto committed = producer_->commit(); !committed) return committed;
    if (mutant() != Mutant::kProgressOutside) return {};
    point("kafka.afterCommit");
    if (auto begun = producer_->begin(); !begun) return begun;
    if (auto sent = sendProgress(sending, records); !sent) return sent;
    return producer_->commit();
}

std::unique_ptr<KafkaGroup> makeExactlyOnce() { return std::make_unique<ExactlyOnce>(); }

}  // namespace tidemill::outputs
