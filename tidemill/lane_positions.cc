#include "tidemill/lane_positions.h"

#include <string_view>
#include <unordered_map>

#include "sources/kafka/mutant.h"

namespace tidemill {

using core::Result;

LanePositionsTable::LanePositionsTable(state::StateStore& store)
    : table_(store.table(core::kSystemOperator, state::kLaneTable, state::ValueKind::kBytes)) {}

Result<core::LanePositions> LanePositionsTable::load() {
    core::LanePositions positions;
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
        auto walker = table_.range(range).walk();
        while (true) {
            TM_ASSIGN(const bool more, walker.next());
            if (!more) break;
            positions[std::string(walker.key())] = walker.value();
        }
    }
    return positions;
}

Result<> LanePositionsTable::advance(const core::BatchRun& run) {
    if (sources::kafka::mutant() == sources::kafka::Mutant::kPositionsNotKept) return {};
    // A lane's last block says where it is.
    std::unordered_map<std::string_view, std::string_view> last;
    for (const auto& block : run.blocks())
        if (const auto& origin = block->origin(); !origin.lane.empty())
            last[origin.lane] = origin.to;
    for (const auto& [lane, position] : last) {
        auto& range = table_.rangeOf(lane);
        TM_TRY(position.empty() ? range.remove(lane) : range.put(lane, position));
    }
    return {};
}

}  // namespace tidemill
