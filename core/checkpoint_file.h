// One file of a checkpoint, on its way from the store that wrote it to the manifest that lists it.
#pragma once

#include <cstdint>
#include <string>

namespace tidemill::core {

struct CheckpointFile {
    std::string name;  // in the checkpoint's directory; no '/'
    std::uint64_t sizeBytes = 0;
    // As whoever wrote the file computed it: opaque bytes and the name of the function. Both are
    // empty for a copy whose bytes are not durable yet.
    std::string checksum;
    std::string checksumFunction;
    bool operator==(const CheckpointFile&) const = default;
};

}  // namespace tidemill::core
