// Which partitions there are, and where a new one is to be begun. Private to sources/kafka/.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "rdkafka/handle.h"
#include "sources/kafka/consumer_properties.h"
#include "sources/kafka/kafka_options.h"
#include "sources/kafka/kafka_position.h"

namespace re2 {
class RE2;
}

namespace tidemill::sources::kafka {

// Its topic and number.
using PartitionName = std::pair<std::string, std::int32_t>;

// What asking the cluster gave.
struct Discovered {
    std::map<PartitionName, std::int32_t> leaders;  // of partitions that can be read: their broker
    std::string trouble;   // what is not there that should be; empty: all is well
    bool complete = true;  // nothing that is there may be missing above
    bool nobody = false;   // no broker answered
};

// Failures that pass are Discovered::trouble or an empty optional, others are errors.
// Thread safety: thread-safe; waits for the cluster, so many seconds at most per call.
class Discovery {
public:
    // `client` must outlive this. What is long under way ends early, incomplete, when `ends` says
    // so.
    Discovery(Handle& client, const KafkaOptions& options, std::function<bool()> ends);
    ~Discovery();

    core::Result<Discovered> ask() const;

    // The offset at which a partition that has no position is begun: its beginning, or where the
    // options say that the stream starts.
    core::Result<std::optional<std::int64_t>> startOf(const PartitionName& partition,
                                                      bool asOptionsSay) const;

private:
    // Of one topic, or of all; null, and noted, when nobody answers.
    core::Result<Metadata> ask(rd_kafka_topic_t* topic, Discovered& into) const;
    core::Result<> askTopic(const std::string& topic, Discovered& into) const;
    core::Result<> askAll(Discovered& into) const;
    core::Result<> add(const rd_kafka_metadata_topic& topic, Discovered& into) const;

    Handle& client_;
    const KafkaOptions& options_;
    const std::function<bool()> ends_;
    std::unique_ptr<const re2::RE2> pattern_;
};

// The partition that a line of librdkafka's log (context "topic") says could not be fetched from.
// Nothing else says so: librdkafka asks again by itself, perhaps another topic of the same name.
std::optional<PartitionName> failedFetch(std::string_view facility, std::string_view text);

// What the broker has of a partition; nothing: it does not answer now.
std::optional<Watermarks> askWatermarks(Handle& client, const PartitionName& partition);

// Whether the topic's records may go although newer ones stay: cleanup.policy names compact.
// Nothing: the cluster does not say.
std::optional<bool> askCompacted(Handle& client, const std::string& topic);

// "partition 3 of topic \"orders\"".
std::string describe(const PartitionName& partition);

}  // namespace tidemill::sources::kafka
