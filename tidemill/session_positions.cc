#include "tidemill/session_positions.h"

namespace tidemill {

using core::Result;

SessionPositions::SessionPositions(state::StateStore& store)
    : table_(store.table(core::kSystemOperator, state::kSessionTable, state::ValueKind::kMaxU64)) {}

Result<recovery::SessionLines> SessionPositions::load() {
    recovery::SessionLines lines;
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
        auto walker = table_.range(range).walk();
        while (true) {
            TM_ASSIGN(const bool more, walker.next());
            if (!more) break;
            lines[std::string(walker.key())] =
                state::valueFrom<std::uint64_t>(state::ValueKind::kMaxU64, walker.value());
        }
    }
    return lines;
}

Result<> SessionPositions::advance(const core::BatchRun& run) {
    for (const auto& block : run.blocks()) {
        const auto& origin = block->origin();
        if (origin.session.empty()) continue;
        const std::string_view name = origin.session;
        const std::uint64_t lines = origin.nextLine() - 1;
        TM_TRY(table_.rangeOf(name).merge({reinterpret_cast<const char*>(&name)}, 1, &lines));
    }
    return {};
}

}  // namespace tidemill
