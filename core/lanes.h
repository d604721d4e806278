// Lanes: streams of records inside sources whose peers can be asked again from a position, such as
// an acknowledged session or a partition of a queue. Which position a lane has reached is known to
// the log, which takes each part of a lane once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/block.h"

namespace tidemill::core {

// A position is the source's own encoding; only whether two are the same matters here. Empty: the
// lane's beginning; a lane that is moved back there is forgotten.
inline constexpr std::size_t kPositionBytesMax = 256;
// A lane's name is unique in the data directory. It says what the lane is outside, not which source
// of the job reads it, so that it is found again when the job's sources are in another order.
inline constexpr std::size_t kLaneBytesMax = 512;

// By the lane's name.
using LanePositions = std::map<std::string, std::string, std::less<>>;

// Thread safety: externally synchronized.
class Lanes {
public:
    explicit Lanes(LanePositions positions = {}) : positions_(std::move(positions)) {}

    // Compares and moves in one: true when the block goes on where its lane is, which is then
    // behind it, or when it has no lane. False: it is stale, sent again or by a ghost of an older
    // reader.
    bool advance(const BlockOrigin& origin);

    std::string position(std::string_view lane) const;
    std::size_t size() const { return positions_.size(); }

private:
    LanePositions positions_;
};

// Positions of lanes that number their lines: behind so many of them.
std::string linePosition(std::uint64_t lines);
// 0 for a position that is none of those.
std::uint64_t linesAt(std::string_view position);

// Makes the block a part of a lane that numbers its lines, by its `firstLine`, `lines` and
// `oversize`.
void setLineLane(BlockOrigin& origin, std::string lane);

}  // namespace tidemill::core
