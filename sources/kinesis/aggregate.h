// Records that hold others, as the Kinesis Producer Library makes them: the bytes F3 89 9A C2, a
// message of Protocol Buffers, and the message's MD5.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace tidemill::sources::kinesis {

struct SubRecord {
    std::string_view partitionKey;
    std::string_view data;
};

// Those that `data` holds, as views into it, in their order; at most 100,000. Nothing when it is no
// such record, or not in all of its parts: then it is a record of its own.
std::optional<std::vector<SubRecord>> unpackAggregate(std::string_view data);

}  // namespace tidemill::sources::kinesis
