// Waiting for a peer that is away.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "core/backoff.h"
#include "core/error.h"
#include "core/peer_wait.h"

namespace tidemill::outputs {

// What became of an attempt to work with a peer.
enum class Trouble {
    kPassing,    // the peer is away, or busy, or somebody was quicker: begin again
    kPermanent,  // a person must mend it
};

// Says what goes wrong with a peer, and waits; for ever, unless it is told that the job ends. Throws
// what is permanent. Thread safety: externally synchronized, except where said.
class Patience {
public:
    Patience();
    // A failure came: returns when to try again. Throws when that is not to be any more.
    void wait(Trouble trouble, const core::Error& error);
    // It works. "Kafka brokers=localhost:9092"
    void over(const std::string& peer);
    // What has failed since it worked last. Thread-safe.
    std::optional<core::PeerWait> waits() const;

    // See WaitsForPeer::waitAtMost. Thread-safe.
    void waitAtMost(std::chrono::nanoseconds grace);
    // That time is over: what is in trouble is to be left. Thread-safe.
    bool isOver() const;

private:
    bool isOverNow() const { return end_ && *end_ <= std::chrono::steady_clock::now(); }

    core::Backoff backoff_;
    mutable std::mutex mutex_;
    std::condition_variable ends_;
    std::optional<std::chrono::steady_clock::time_point> end_;
    std::optional<core::PeerWait> wait_;
};

}  // namespace tidemill::outputs
