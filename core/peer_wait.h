// What an output says while it waits for a peer that is away.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tidemill::core {

struct PeerWait {
    std::string message;                            // why the last attempt failed
    std::uint64_t attempts = 0;                     // that failed so far, at least 1
    std::chrono::steady_clock::time_point since{};  // when the first of them did
};

// An OutputOperation whose peer may be away is one too. Thread safety: thread-safe, also while a
// batch runs.
class WaitsForPeer {
public:
    virtual ~WaitsForPeer() = default;
    // None: it waits for nobody.
    virtual std::optional<PeerWait> peerWait() const = 0;
};

}  // namespace tidemill::core
