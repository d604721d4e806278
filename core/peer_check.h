// What the peers of a job say when they are asked before anything starts: `tidemill run --check
// --connect`.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace tidemill::core {

struct PeerQuestion {
    std::string owner;  // identity of the data directory; empty: it is not made yet
    // An answer that comes later is of no use: what takes long looks at this.
    std::chrono::steady_clock::time_point until;

    bool isLate() const { return std::chrono::steady_clock::now() >= until; }
};

// In words for people, without secrets.
struct PeerAnswer {
    std::vector<std::string> facts;
    // What would keep the job from its work; empty: all is well.
    std::vector<std::string> troubles;
};

// An OutputOperation with a peer is one too. Called before open(), by any thread, one at a time.
class AsksPeer {
public:
    virtual ~AsksPeer() = default;
    // Leaves the peer as it is.
    virtual PeerAnswer askPeer(const PeerQuestion& question) = 0;
};

}  // namespace tidemill::core
