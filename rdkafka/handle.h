// librdkafka's objects with owners, and its errors in our words: what Kafka sources and outputs
// share.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace tidemill::rdkafka {

// Owns a T that `kFree` frees.
template <class T, auto kFree>
struct Freeing {
    void operator()(T* object) const { kFree(object); }
};
template <class T, auto kFree>
using Owned = std::unique_ptr<T, Freeing<T, kFree>>;

using TopicPartitions =
    Owned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using TopicHandle = Owned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using Queue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Message = Owned<rd_kafka_message_t, rd_kafka_message_destroy>;
using Metadata = Owned<const struct rd_kafka_metadata, rd_kafka_metadata_destroy>;
using Headers = Owned<rd_kafka_headers_t, rd_kafka_headers_destroy>;
using ErrorObject = Owned<rd_kafka_error_t, rd_kafka_error_destroy>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;

inline TopicPartitions makeTopicPartitions(int sizeHint = 1) {
    return TopicPartitions(rd_kafka_topic_partition_list_new(sizeHint));
}

// Names and values of librdkafka's configuration. Values may be secrets: no message shows one.
using Properties = std::map<std::string, std::string>;

// "Broker: Unknown topic or partition (UNKNOWN_TOPIC_OR_PART)".
std::string describe(rd_kafka_resp_err_t error);

// What is to be said behind an error of authentication for which this version of librdkafka may be
// to blame rather than the password; else empty. `version` as rd_kafka_version() has it.
std::string refusalHint(rd_kafka_resp_err_t error, std::string_view reason, int version);

// Whether a person must act: credentials, permissions, configuration. Else the same may work later
// by itself, with this client or a new one: brokers away, a topic that is not there yet.
bool needsPerson(rd_kafka_resp_err_t error);
// The same of an error of a connection, which Handle::OnError says: a certificate that does not do
// is one too, other failures of TLS may be those of a connection that was cut.
bool connectionNeedsPerson(rd_kafka_resp_err_t error, std::string_view reason);
// The kind that an error which does not pass has.
core::ErrorKind kindOf(rd_kafka_resp_err_t error);

// A client. What it calls back, it calls from poll(), by the thread that calls that; all but onLog.
// Thread safety: as librdkafka's own, thread-safe, except for poll().
class Handle {
public:
    // An error of the client as a whole, such as a broker that is away; it goes on by itself unless
    // the error does not pass.
    using OnError = std::function<void(rd_kafka_resp_err_t error, const std::string& reason)>;
    // The outcome of each asynchronous commit of a consumer's offsets.
    using OnCommit = std::function<void(rd_kafka_resp_err_t error)>;

    // What became of a record that a producer was given.
    using OnDelivery = std::function<void(const rd_kafka_message_t& message)>;
    // A line of librdkafka's log, by whichever of its threads, also before make() returns; quick.
    // `level` as of syslog(3).
    using OnLog = std::function<void(int level, std::string_view facility, std::string_view text)>;

    struct Callbacks {
        OnError onError;
        OnCommit onCommit;
        OnDelivery onDelivery;
        OnLog onLog;
    };

    // Connects in the background: that brokers are away is no error here. Errors: kInvalid, a
    // property that librdkafka refuses, or properties that do not fit each other.
    static core::Result<std::unique_ptr<Handle>> make(rd_kafka_type_t type,
                                                      const Properties& properties,
                                                      Callbacks callbacks);
    // Ends at once: nothing is flushed or committed, no group is left in an orderly way.
    ~Handle();
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    rd_kafka_t* get() const { return client_; }

    // Serves callbacks, waiting at most so long for one; how many were served.
    int poll(int waitMillis = 0) { return rd_kafka_poll(client_, waitMillis); }

private:
    explicit Handle(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

    const Callbacks callbacks_;
    rd_kafka_t* client_ = nullptr;
};

}  // namespace tidemill::rdkafka
