// A client of librdkafka that notes what it reports on its own; and what became of its requests.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/error.h"
#include "outputs/patience.h"
#include "rdkafka/handle.h"

namespace tidemill::outputs {

using rdkafka::Properties;
using rdkafka::TopicHandle;

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

    rd_kafka_t* get() const { return handle_->get(); }
    TopicHandle topic(const std::string& name) const;

    // Meets all that waits: delivery reports, errors.
    void drain() const {
        while (handle_->poll() > 0) {
        }
    }

    // So far: errors of connections and brokers, and lines of the library's log that are warnings.
    std::uint64_t unusual() const { return errors_ + warnings_; }
    // The last of them, for messages.
    std::string lastUnusual() const;
    // What a connection has met first that a person must mend, such as a wrong password; empty:
    // nothing. A broker that stops may seem to refuse what it took before.
    const std::string& refusal() const { return refusal_; }

    // Of records that were not delivered: the first, since reset. NO_ERROR: none.
    struct Undelivered {
        rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
        std::string topic;
    };
    const Undelivered& undelivered() const { return undelivered_; }
    void forgetUndelivered() { undelivered_ = {}; }

private:
    Client() = default;
    void note(const std::string& what);

    std::string refusal_;
    std::atomic<std::uint64_t> errors_ = 0;
    std::atomic<std::uint64_t> warnings_ = 0;
    mutable std::mutex mutex_;
    std::string last_;
    Undelivered undelivered_;
    std::unique_ptr<rdkafka::Handle> handle_;  // last: it calls into what stands above
};

}  // namespace tidemill::outputs
