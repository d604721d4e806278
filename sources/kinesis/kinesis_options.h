// What a program says of a stream that is read from Kinesis.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/rate.h"
#include "core/time.h"
#include "sources/file_stream_options.h"

namespace tidemill {

// Where a stream begins in the shards that it finds when it starts for the first time. Shards that
// appear later are read from their beginning.
struct KinesisStart {
    enum class From { kEarliest, kLatest, kTime };
    From from = From::kEarliest;
    BatchTime time{};  // kTime: at the first record that arrived then or later
};

struct KinesisOptions {
    // The stream's name.
    std::string stream{};

    // Empty: AWS_REGION's, AWS_DEFAULT_REGION's, or the profile's.
    std::string region{};

    // Of a service that is not AWS' own: "http://localhost:4567". Empty: the region's.
    std::string endpoint{};

    // A profile of ~/.aws/credentials and ~/.aws/config that goes before the environment. Empty:
    // credentials are looked for where AWS' own tools look.
    std::string profile{};

    // Names the stream's positions in the data directory. Two streams of a job that read the same
    // Kinesis stream have different ones. Another name is another stream: it begins at `start`.
    std::string application = "tidemill";

    KinesisStart start{};

    // What is done when records that were not read yet are gone, or may be: expired, or their
    // stream was deleted and made anew. kStop: the job ends and says which. kSkip: the stream goes
    // on with what there is, with a warning.
    LostData onLostData = LostData::kStop;

    // How often a shard is asked that had no more records. One that has more is asked four times a
    // second: Kinesis allows five, to all readers together.
    std::chrono::milliseconds pollEvery{1'000};

    // How often new shards are looked for, beside when one has ended.
    std::chrono::milliseconds discoverEvery{30'000};

    // The stream is not read faster than this, on average.
    std::optional<Rate> maxRate{};
};

}  // namespace tidemill
