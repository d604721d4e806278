// A partition as the source reads it. Private to sources/kafka/.
#pragma once

#include <chrono>
#include <utility>

#include "sources/kafka/discovery.h"
#include "sources/kafka/kafka_position.h"
#include "sources/kafka/lane_block.h"

namespace tidemill::sources::kafka {

struct PartitionReader {
    enum class Stage {
        kChecking,    // asked for at its anchor; nothing is taken before that was seen
        kReading,     // what comes is taken
        kSuspicious,  // not asked for: the broker does not have what was; see `doubt`
        kAbsent,      // not asked for: the broker does not know the partition
    };
    enum class Doubt {
        kNone,
        kOutOfRange,       // the offset asked for is not there
        kAnchorGone,       // the anchor is not there, but a later record
        kAnchorDifferent,  // another record is in the anchor's place
    };

    PartitionReader(PartitionName partition, LaneBlock laneBlock)
        : name(std::move(partition)), block(std::move(laneBlock)) {}

    bool isAskedFor() const { return stage == Stage::kChecking || stage == Stage::kReading; }

    const PartitionName name;
    LaneBlock block;
    Stage stage = Stage::kAbsent;

    // Loss is only believed when it was seen twice, a second apart: a broker that has just started
    // may not know its end yet.
    Doubt doubt = Doubt::kNone;
    bool seenBefore = false;
    std::chrono::steady_clock::time_point lookAt{};
};

}  // namespace tidemill::sources::kafka
