// librdkafka's handles, owned; and what they report on their own.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/error.h"

namespace tidemill::outputs {

struct TopicDestroy {
    void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, TopicDestroy>;

struct MessageDestroy {
    void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using MessageHandle = std::unique_ptr<rd_kafka_message_t, MessageDestroy>;

struct ErrorDestroy {
    void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, ErrorDestroy>;

using Metadata = struct rd_kafka_metadata;  // the name is a function's too

using Properties = std::map<std::string, std::string>;

// What became of an attempt to work with the brokers.
enum class Trouble {
    kPassing,    // the peer is away, or busy, or somebody was quicker: begin again
    kPermanent,  // a person must mend it
};

struct KafkaFailure {
    Trouble trouble = Trouble::kPassing;
    core::Error error;
    bool abortable = false;  // the transaction at hand can still be aborted, and nothing else
};
template <class T = void>
using KafkaResult = tl::expected<T, KafkaFailure>;

// Which of the two an error of the brokers or the library is.
Trouble troubleOf(rd_kafka_resp_err_t code);
// "WHAT: TEXT (CODE)"
[[nodiscard]] tl::unexpected<KafkaFailure> kafkaFail(const std::string& what,
                                                     rd_kafka_resp_err_t code,
                                                     const std::string& text = {});
[[nodiscard]] tl::unexpected<KafkaFailure> kafkaFail(const std::string& what,
                                                     const rd_kafka_error_t& error);
[[nodiscard]] tl::unexpected<KafkaFailure> permanent(core::ErrorKind kind, std::string message);

// One handle of the library, a producer or a consumer. Its errors are counted when poll(), flush or
// a call that waits meets them; its warnings at once. Thread safety: worker-confined.
class Client {
public:
    // Takes `properties` to the letter. Errors: kInvalid, a property is unknown or wrong.
    static core::Result<std::unique_ptr<Client>> make(rd_kafka_type_t type,
                                                      const Properties& properties);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    rd_kafka_t* get() const { return handle_; }
    TopicHandle topic(const std::string& name) const;

    // Meets all that waits: delivery reports, errors.
    void drain() const {
        while (rd_kafka_poll(handle_, 0) > 0) {
        }
    }

    // So far: errors of connections and brokers, and lines of the library's log that are warnings.
    std::uint64_t unusual() const { return errors_ + warnings_; }
    // The last of them, for messages.
    std::string lastUnusual() const;

    // Of records that were not delivered: the first, since reset. NO_ERROR: none.
    struct Undelivered {
        rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
        std::string topic;
    };
    const Undelivered& undelivered() const { return undelivered_; }
    void forgetUndelivered() { undelivered_ = {}; }

private:
    Client() = default;
    static void onError(rd_kafka_t*, int code, const char* reason, void* self);
    static void onLog(const rd_kafka_t* handle, int level, const char* facility, const char* text);
    static void onDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self);
    void note(const std::string& what);

    rd_kafka_t* handle_ = nullptr;
    std::atomic<std::uint64_t> errors_ = 0;
    std::atomic<std::uint64_t> warnings_ = 0;
    mutable std::mutex mutex_;
    std::string last_;
    Undelivered undelivered_;
};

}  // namespace tidemill::outputs
