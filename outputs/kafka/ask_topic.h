// What a Kafka output would find: brokers, its topic, the progress topic; for
// `tidemill run --check --connect`.
#pragma once

#include "core/peer_check.h"
#include "outputs/kafka/options.h"

namespace tidemill::outputs {

// Sends nothing and makes nothing: a topic that would be made is described to the brokers, which
// say whether they would.
core::PeerAnswer askTopic(const KafkaOutputOptions& options, const core::PeerQuestion& question);

}  // namespace tidemill::outputs
