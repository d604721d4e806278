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
    switch (code) {
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
        case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
        case RD_KAFKA_RESP_ERR__SSL:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
        case RD_KAFKA_RESP_ERR__INVALID_ARG:
        case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
        case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
        case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
        case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        case RD_KAFKA_RESP_ERR_SECURITY_DISABLED: return Trouble::kPermanent;
        default: return Trouble::kPassing;
    }
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
    char text[512] = "";
    std::unique_ptr<rd_kafka_conf_t, void (*)(rd_kafka_conf_t*)> conf(rd_kafka_conf_new(),
                                                                      rd_kafka_conf_destroy);
    // Values stay out of messages: they may be secrets.
    for (const auto& [name, value] : properties)
        if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text, sizeof text) !=
            RD_KAFKA_CONF_OK)
            return core::fail(ErrorKind::kInvalid, "Kafka setting " + name +
                                                       " is unknown or has a value that it "
                                                       "cannot have");
    rd_kafka_conf_set_opaque(conf.get(), client.get());
    rd_kafka_conf_set_error_cb(conf.get(), onError);
    rd_kafka_conf_set_log_cb(conf.get(), onLog);
    if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf.get(), onDelivery);
    client->handle_ = rd_kafka_new(type, conf.get(), text, sizeof text);
    if (client->handle_ == nullptr)
        return core::fail(ErrorKind::kInvalid, std::string("Kafka settings: ") + text);
    (void)conf.release();  // the handle owns it
    return client;
}

Client::~Client() {
    if (handle_ == nullptr) return;
    if (rd_kafka_type(handle_) == RD_KAFKA_PRODUCER)
        rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                    RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy(handle_);
}

TopicHandle Client::topic(const std::string& name) const {
    return TopicHandle(rd_kafka_topic_new(handle_, name.c_str(), nullptr));
}

std::string Client::lastUnusual() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void Client::note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    last_ = what;
}

void Client::onError(rd_kafka_t*, int code, const char* reason, void* self) {
    auto& client = *static_cast<Client*>(self);
    ++client.errors_;
    client.note(std::string(rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code))) + ": " +
                reason);
}

void Client::onLog(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
    core::logDebug(std::string("librdkafka ") + facility + ": " + core::escaped(text, 1024));
    if (level > LOG_WARNING || handle == nullptr) return;
    // May come while the handle is made.
    auto* client = static_cast<Client*>(rd_kafka_opaque(handle));
    if (client == nullptr) return;
    ++client->warnings_;
    client->note(std::string(facility) + ": " + core::escaped(text, 512));
}

void Client::onDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    auto& undelivered = static_cast<Client*>(self)->undelivered_;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
        undelivered.code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    undelivered = {message->err, rd_kafka_topic_name(message->rkt)};
}

}  // namespace tidemill::outputs
