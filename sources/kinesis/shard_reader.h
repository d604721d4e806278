// A shard as the source reads it. Private to sources/kinesis/.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/backoff.h"
#include "sources/kinesis/aggregate.h"
#include "sources/kinesis/answers.h"
#include "sources/kinesis/lane_block.h"

namespace tidemill::sources::kinesis {

using SteadyTime = std::chrono::steady_clock::time_point;

// An answer whose records are taken one by one, as memory and rate allow.
struct PendingPage {
    RecordsPage page;
    std::int64_t readUntilMillis = 0;  // once all of it is taken
    std::size_t at = 0;                // the record at hand
    // Of the record at hand, once it was looked at.
    bool isUnpacked = false;
    std::uint64_t hash = 0;
    std::vector<SubRecord> parts;
    std::size_t part = 0;
};

struct ShardReader {
    enum class Stage {
        kWaiting,   // for its parents
        kAsking,    // for an iterator, at its position
        kReading,   // `iterator` is what to ask with
        kFinished,  // read to its end
    };

    ShardReader(ShardInfo shard, LaneBlock laneBlock, std::uint64_t serialNumber)
        : info(std::move(shard)),
          block(std::move(laneBlock)),
          serial(serialNumber),
          backoff(std::chrono::milliseconds(500), serialNumber) {}

    ShardInfo info;
    LaneBlock block;
    const std::uint64_t serial;  // answers to an earlier reader of the shard are not for this one
    Stage stage = Stage::kWaiting;
    bool isListed = true;
    unsigned missing = 0;  // listings in a row that it was not in

    // The first record that comes says whether the shard is what it was; see decideFirst().
    bool checks = true;
    // Checked since records were taken last.
    bool isChecked = false;
    // Number of the last listing when its position was refused, as long as it is.
    std::optional<std::uint64_t> refusedAt;
    // The same when its anchor was gone.
    std::optional<std::uint64_t> goneAt;

    std::string iterator;
    std::optional<PendingPage> pending;
    bool inFlight = false;
    SteadyTime nextAt{};
    SteadyTime lastRead{};
    core::Backoff backoff;
    unsigned throttled = 0;  // times in a row
    std::uint32_t recordsAtOnce = 500;
    std::optional<std::int64_t> behindMillis;
};

// Whether a shard may be read: all of its parents that the stream still lists are finished.
// `isOpenParent`: of a shard's name, whether it is listed and not finished.
inline bool mayBeRead(const ShardInfo& shard,
                      const std::function<bool(const std::string&)>& isOpenParent) {
    return !(!shard.parent.empty() && isOpenParent(shard.parent)) &&
           !(!shard.otherParent.empty() && isOpenParent(shard.otherParent));
}

// How many records to ask for, so that an answer has some 2 MiB, after one with `records` of
// `bytes` together.
std::uint32_t recordsToAskFor(std::uint32_t before, std::size_t records, std::size_t bytes);

}  // namespace tidemill::sources::kinesis
