// KinesisRecord: a record of a Kinesis stream, as views.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/time.h"

namespace tidemill {

// The bytes it points to live until the batch is complete.
struct KinesisRecord {
    std::string_view data;
    std::string_view partitionKey;
    std::string_view stream;
    std::string_view shard;
    std::string_view sequenceNumber;
    // Its place among those that a producer put into one record (KPL's aggregation); else 0.
    std::uint32_t subIndex = 0;
    BatchTime arrival{};  // at the service, about
};

}  // namespace tidemill
