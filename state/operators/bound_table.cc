#include "state/operators/bound_table.h"

#include "state/state_store.h"

namespace tidemill::state {

void BoundTable::bind(StateStore& store, core::OperatorId id, ValueKind kind) {
    table = &store.table(id, kShownTable, kind);
    if (ttl > Duration(0)) {
        auto& touched = store.table(id, kTouchedTable, ValueKind::kMaxI64);
        auto& times = store.table(id, kTouchTimesTable, ValueKind::kBytes);
        for (std::uint32_t range = 0; range < core::kKeyRanges; ++range)
            idle[range].emplace(touched.range(range), times.range(range));
    }
    if (!initial.empty()) begin = &store.table(id, kBeginTable, ValueKind::kBytes);
}

void BoundTable::beginBatch(const core::BatchRun& run) {
    now_ = run.record().time;
    if (std::exchange(begun_, true) || begin == nullptr) return;
    TimeRows begins(begin->range(0));
    if (core::orThrow(begins.oldest())) return;
    for (const auto& [key, value] : initial) {
        auto& range = table->rangeOf(key);
        core::orThrow(range.put(key, value));
        const std::string_view view = key;
        touch(range.number(), {reinterpret_cast<const char*>(&view)}, 1);
    }
    core::orThrow(begins.append(static_cast<std::uint64_t>(toMillis(now_)), {}));
}

void BoundTable::removeIdle(core::BatchRun& run) {
    if (ttl == Duration(0)) return;
    core::orThrow(run.workers().run(core::kKeyRanges, [&](std::size_t range) {
        auto& states = table->range(static_cast<std::uint32_t>(range));
        core::orThrow(idle[range]->takeIdle(
            idleBefore(), [&](std::string_view key) { return states.remove(key); }));
    }));
}

}  // namespace tidemill::state
