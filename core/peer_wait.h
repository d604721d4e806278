// Outputs whose peer is away: what they say while they wait, and how that ends with the job.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tidemill::core {

class Graph;

// So long a graceful stop waits for peers that are away.
inline constexpr std::chrono::seconds kPeerGrace{10};

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
    // The job is to end: so long from now on the output waits as always; then what fails is not
    // tried again, and run() and note() throw (kIo). Of several calls the earliest end counts.
    virtual void waitAtMost(std::chrono::nanoseconds grace) = 0;
};

// For all outputs of a job. Thread-safe once the graph is built.
void limitPeerWaits(const Graph& graph, std::chrono::nanoseconds grace);
bool anyWaitsForPeer(const Graph& graph);

}  // namespace tidemill::core
