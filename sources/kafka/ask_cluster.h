// What a Kafka source would find: brokers, topics, whether it may read them, and where it would
// begin; for `tidemill run --check --connect`.
#pragma once

#include "core/lanes.h"
#include "core/peer_check.h"
#include "sources/kafka/kafka_options.h"

namespace tidemill::sources::kafka {

// Reads at most one record of each partition, and commits nothing. `positions`: what the data
// directory has of lanes. Requires checkOptions(options).
core::PeerAnswer askCluster(const KafkaOptions& options, const core::LanePositions& positions,
                            const core::PeerQuestion& question);

}  // namespace tidemill::sources::kafka
