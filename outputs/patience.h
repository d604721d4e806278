// Waiting for a peer that is away.
#pragma once

#include <cstdint>
#include <string>

#include "core/backoff.h"
#include "core/error.h"

namespace tidemill::outputs {

// What became of an attempt to work with a peer.
enum class Trouble {
    kPassing,    // the peer is away, or busy, or somebody was quicker: begin again
    kPermanent,  // a person must mend it
};

// Says what goes wrong with a peer, and waits; for ever. Throws what is permanent. Thread safety:
// externally synchronized.
class Patience {
public:
    // "Kafka", "brokers=localhost:9092"
    Patience(std::string peer, std::string place);
    // A failure came: returns when to try again.
    void wait(Trouble trouble, const core::Error& error);
    // It works.
    void over();

private:
    const std::string peer_, place_;
    core::Backoff backoff_;
    std::uint64_t failures_ = 0;
};

}  // namespace tidemill::outputs
