#include "core/lanes.h"

#include "core/byte_codec.h"
#include "core/mutant.h"

namespace tidemill::core {

bool Lanes::advance(const BlockOrigin& origin) {
    if (origin.lane.empty()) return true;
    const auto found = positions_.find(origin.lane);
    if (found == positions_.end()) {
        if (!origin.from.empty() && !TM_MUTANT(lane_begun_anywhere)) return false;
        if (!origin.to.empty()) positions_.emplace(origin.lane, origin.to);
        return true;
    }
    if (found->second != origin.from && !TM_MUTANT(repeated_part_taken)) return false;
    if (origin.to.empty()) positions_.erase(found);
    else found->second = origin.to;
    return true;
}

std::string Lanes::position(std::string_view lane) const {
    const auto found = positions_.find(lane);
    return found == positions_.end() ? std::string() : found->second;
}

std::string linePosition(std::uint64_t lines) {
    if (lines == 0) return {};
    ByteWriter out;
    out.u64(lines);
    return std::move(out).bytes();
}

std::uint64_t linesAt(std::string_view position) {
    ByteReader in(position);
    const auto lines = in.u64();
    return in.finished() ? lines : 0;
}

void setLineLane(BlockOrigin& origin, std::string lane) {
    origin.lane = std::move(lane);
    origin.from = linePosition(origin.firstLine - 1);
    origin.to = linePosition(origin.nextLine() - 1);
}

}  // namespace tidemill::core
