// Asks all peers of a job at once, each with a time limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/peer_check.h"
#include "tidemill/job.h"
#include "tools/connect/known_directory.h"
#include "tools/job_file.h"

namespace tidemill::tools {

struct PeerToAsk {
    std::string label;  // "source 1 \"in\""
    std::string what;   // "kafkaStream brokers=localhost:9092 …"
    // Keeps what it needs.
    std::function<core::PeerAnswer(const core::PeerQuestion&)> ask;
};

// Sources, outputs and the page that have a peer, in the order of the file. `declared`, which is
// the job as planned, must outlive the asking.
std::vector<PeerToAsk> peersOf(const JobFile& job, const std::shared_ptr<Job>& declared,
                               const KnownDirectory& known);

struct AskedPeer {
    std::optional<core::PeerAnswer> answer;  // none: it came too late
    std::chrono::milliseconds took{};
};

// Each on a thread of its own. `waiting` is told of one that has not answered, every few seconds.
// Answers come in the order of `peers`. A thread whose answer came too late may still run: the
// process should end then, at once, see AskedPeer::answer.
std::vector<AskedPeer> askPeers(
    const std::vector<PeerToAsk>& peers, const std::string& identity,
    std::chrono::milliseconds limit,
    const std::function<void(const PeerToAsk&, std::chrono::milliseconds)>& waiting);

}  // namespace tidemill::tools
