// Waiting for a peer that is away.
#pragma once

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

// Says what goes wrong with a peer, and waits; for ever. Throws what is permanent. Thread safety:
// externally synchronized, but waits() is thread-safe.
class Patience {
public:
    Patience();
    // A failure came: returns when to try again.
    void wait(Trouble trouble, const core::Error& error);
    // It works. "Kafka brokers=localhost:9092"
    void over(const std::string& peer);
    // What has failed since it worked last.
    std::optional<core::PeerWait> waits() const;

private:
    core::Backoff backoff_;
    mutable std::mutex mutex_;
    std::optional<core::PeerWait> wait_;
};

}  // namespace tidemill::outputs
