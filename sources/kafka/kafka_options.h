// What a program says of a stream that is read from Kafka.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/rate.h"
#include "core/time.h"
#include "sources/file_stream_options.h"

namespace tidemill {

// Where a stream begins in partitions that it finds when it starts for the first time. Partitions
// that appear later are read from their beginning.
struct KafkaStart {
    enum class From { kEarliest, kLatest, kTime };
    From from = From::kEarliest;
    BatchTime time{};  // kTime: at the first record of this time or a later one
};

struct KafkaOptions {
    // "host:9092,other:9092": some brokers of the cluster.
    std::string brokers{};

    // The topics to read, all their partitions; or, instead, all topics whose whole name matches
    // the regular expression `pattern` (RE2). Names that begin with "__" match none.
    std::vector<std::string> topics{};
    std::string pattern{};

    // Names the stream's positions in the data directory, and the consumer group that offsets are
    // committed to for lag tools; what is committed is never read back. Two streams of a job have
    // different ones. Another name is another stream: it begins at `start`.
    std::string group = "tidemill";

    KafkaStart start{};

    // What is done when records that were not read yet are gone: expired, or their topic was
    // deleted and made anew. kStop: the job ends and says which. kSkip: the stream goes on with
    // what there is, with a warning.
    LostData onLostData = LostData::kStop;

    // How often new topics and partitions are looked for.
    std::chrono::milliseconds discoverEvery{30'000};

    // The topics are not read faster than this, on average.
    std::optional<Rate> maxRate{};

    // librdkafka's own configuration, such as "security.protocol" and "sasl.password".
    std::map<std::string, std::string> properties{};
};

}  // namespace tidemill
