#include "outputs/kafka/client.h"

#include <syslog.h>

#include "core/logging.h"

namespace tidemill::outputs {
namespace {

using core::ErrorKind;
using core::Result;

ErrorKind kindOf(rd_kafka_resp_err_t code) {
    switch (code) {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: return ErrorKind::kNotFound;
        case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
        case RD_KAFKA_RESP_ERR__FENCED: return ErrorKind::kConflict;
        default: return ErrorKind::kIo;
    }
}

}  // namespace

Trouble troubleOf(rd_kafka_resp_err_t code) {
    // A request that meets a wrong certificate; a source has it from a connection, which may only
    // have been cut.
    if (code == RD_KAFKA_RESP_ERR__SSL) return Trouble::kPermanent;
    return rdkafka::needsPerson(code) ? Trouble::kPermanent : Trouble::kPassing;
}

tl::unexpected<KafkaFailure> kafkaFail(const std::string& what, rd_kafka_resp_err_t code,
                                       const std::string& text) {
    return tl::unexpected(KafkaFailure{
        troubleOf(code),
        {kindOf(code), what + ": " + (text.empty() ? std::string(rd_kafka_err2str(code)) : text) +
                           " (" + rd_kafka_err2name(code) + ")"}});
}

tl::unexpected<KafkaFailure> kafkaFail(const std::string& what, const rd_kafka_error_t& error) {
    auto failure = kafkaFail(what, rd_kafka_error_code(&error), rd_kafka_error_string(&error));
    failure.value().abortable = rd_kafka_error_txn_requires_abort(&error) != 0;
    return failure;
}

tl::unexpected<KafkaFailure> permanent(ErrorKind kind, std::string message) {
    return tl::unexpected(KafkaFailure{Trouble::kPermanent, {kind, std::move(message)}});
}

Result<std::unique_ptr<Client>> Client::make(rd_kafka_type_t type, const Properties& properties) {
    std::unique_ptr<Client> client(new Client());
    auto* const self = client.get();
    rdkafka::Handle::Callbacks callbacks;
    callbacks.onError = [self](rd_kafka_resp_err_t error, const std::string& reason) {
        const std::string text = std::string(rd_kafka_err2name(error)) + ": " + reason;
        ++self->errors_;
        self->note(text);
        if (self->refusal_.empty() && rdkafka::connectionNeedsPerson(error, reason))
            self->refusal_ = text;
    };
    callbacks.onLog = [self](int level, std::string_view facility, std::string_view text) {
        if (level > LOG_WARNING) return;
        ++self->warnings_;
        self->note(std::string(facility) + ": " + core::escaped(text, 512));
    };
    callbacks.onDelivery = [self](const rd_kafka_message_t& message) {
        if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR ||
            self->undelivered_.code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        self->undelivered_ = {message.err, rd_kafka_topic_name(message.rkt)};
    };
    TM_ASSIGN(client->handle_, rdkafka::Handle::make(type, properties, std::move(callbacks)));
    return client;
}

Client::~Client() {
    if (handle_ == nullptr || rd_kafka_type(get()) != RD_KAFKA_PRODUCER) return;
    rd_kafka_purge(
        get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

TopicHandle Client::topic(const std::string& name) const {
    return TopicHandle(rd_kafka_topic_new(get(), name.c_str(), nullptr));
}

std::string Client::lastUnusual() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void Client::note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    last_ = what;
}

}  // namespace tidemill::outputs
