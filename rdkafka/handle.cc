#include "rdkafka/handle.h"

#include <array>
#include <utility>

#include "core/logging.h"

namespace tidemill::rdkafka {

using core::ErrorKind;

namespace {

using Configuration = Owned<rd_kafka_conf_t, rd_kafka_conf_destroy>;

core::Result<> set(rd_kafka_conf_t& configuration, const std::string& name,
                   const std::string& value) {
    std::array<char, 512> why{};
    switch (
        rd_kafka_conf_set(&configuration, name.c_str(), value.c_str(), why.data(), why.size())) {
        case RD_KAFKA_CONF_OK: return {};
        case RD_KAFKA_CONF_UNKNOWN:
            return core::fail(ErrorKind::kInvalid, "kafka property \"" + core::escaped(name, 60) +
                                                       "\" is none that librdkafka knows");
        default:
            return core::fail(ErrorKind::kInvalid,
                              "kafka property \"" + name + "\": " + why.data());
    }
}

}  // namespace

std::string describe(rd_kafka_resp_err_t error) {
    return std::string(rd_kafka_err2str(error)) + " (" + rd_kafka_err2name(error) + ")";
}

// librdkafka's pull request 4895: its last message repeats the client's nonce, which brokers of
// Kafka 4.1.0 refuse.
std::string refusalHint(rd_kafka_resp_err_t error, std::string_view reason, int version) {
    constexpr int kMended = 0x02'06'01'00;
    if (error != RD_KAFKA_RESP_ERR__AUTHENTICATION || version >= kMended ||
        reason.find("SCRAM") == reason.npos)
        return {};
    return "; the password may be right: librdkafka before 2.6.1 fails at SCRAM with newer "
           "brokers, "
           "those of Kafka 4 among them: use PLAIN over TLS, or certificates";
}

bool needsPerson(rd_kafka_resp_err_t error) {
    switch (error) {
        case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
        case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
        case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
        case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
        case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
        case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
        case RD_KAFKA_RESP_ERR__INVALID_ARG: return true;
        default: return false;
    }
}

bool connectionNeedsPerson(rd_kafka_resp_err_t error, std::string_view reason) {
    if (error == RD_KAFKA_RESP_ERR__SSL) return reason.find("certificate") != reason.npos;
    return needsPerson(error);
}

ErrorKind kindOf(rd_kafka_resp_err_t error) {
    switch (error) {
        case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        case RD_KAFKA_RESP_ERR__INVALID_ARG: return ErrorKind::kInvalid;
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE: return ErrorKind::kUnsupported;
        default: return ErrorKind::kIo;
    }
}

core::Result<std::unique_ptr<Handle>> Handle::make(rd_kafka_type_t type,
                                                   const Properties& properties,
                                                   Callbacks callbacks) {
    Configuration configuration(rd_kafka_conf_new());
    for (const auto& [name, value] : properties) TM_TRY(set(*configuration, name, value));
    std::unique_ptr<Handle> handle(new Handle(std::move(callbacks)));
    rd_kafka_conf_set_opaque(configuration.get(), handle.get());
    // librdkafka says everything that matters by its error callback too; its log is for who asks
    // for it with the property `debug`.
    rd_kafka_conf_set_log_cb(configuration.get(), [](const rd_kafka_t* client, int level,
                                                     const char* facility, const char* text) {
        core::logDebug("librdkafka " + std::string(facility) + ": " + core::escaped(text, 1024));
        if (client == nullptr) return;
        const auto* handle = static_cast<const Handle*>(rd_kafka_opaque(client));
        if (handle != nullptr && handle->callbacks_.onLog)
            handle->callbacks_.onLog(level, facility, text);
    });
    rd_kafka_conf_set_error_cb(
        configuration.get(), [](rd_kafka_t* client, int code, const char* reason, void* opaque) {
            auto error = static_cast<rd_kafka_resp_err_t>(code);
            std::string text = reason == nullptr ? "" : reason;
            if (error == RD_KAFKA_RESP_ERR__FATAL) {
                std::array<char, 512> why{};
                error = rd_kafka_fatal_error(client, why.data(), why.size());
                text = "fatal: " + std::string(why.data());
            }
            text += refusalHint(error, text, rd_kafka_version());
            if (const auto& call = static_cast<Handle*>(opaque)->callbacks_.onError)
                call(error, text);
        });
    if (type == RD_KAFKA_CONSUMER)
        rd_kafka_conf_set_offset_commit_cb(
            configuration.get(), [](rd_kafka_t*, rd_kafka_resp_err_t error,
                                    rd_kafka_topic_partition_list_t*, void* opaque) {
                if (const auto& call = static_cast<Handle*>(opaque)->callbacks_.onCommit)
                    call(error);
            });
    else
        rd_kafka_conf_set_dr_msg_cb(
            configuration.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
                if (const auto& call = static_cast<Handle*>(opaque)->callbacks_.onDelivery)
                    call(*message);
            });
    std::array<char, 512> why{};
    handle->client_ = rd_kafka_new(type, configuration.get(), why.data(), why.size());
    if (handle->client_ == nullptr)
        return core::fail(ErrorKind::kInvalid,
                          "the Kafka client cannot be made: " + std::string(why.data()));
    (void)configuration.release();  // the client has it now
    return handle;
}

Handle::~Handle() {
    if (client_ != nullptr) rd_kafka_destroy_flags(client_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

}  // namespace tidemill::rdkafka
