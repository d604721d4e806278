// What a Kinesis source would find: credentials, the stream, whether it may be read, and where each
// shard would be begun; for `tidemill run --check --connect`.
#pragma once

#include "core/lanes.h"
#include "core/peer_check.h"
#include "sources/kinesis/kinesis_options.h"

namespace tidemill::sources::kinesis {

// Reads at most one record of each of a few shards. `positions`: what the data directory has of
// lanes. Requires checkOptions(options).
core::PeerAnswer askStream(const KinesisOptions& options, const core::LanePositions& positions,
                           const core::PeerQuestion& question);

}  // namespace tidemill::sources::kinesis
