#include "state/operators/bound_table.h"

#include <xxhash.h>

#include "core/byte_codec.h"
#include "core/key_group.h"
#include "core/logging.h"
#include "state/state_store.h"

namespace tidemill::state {

void BoundTable::bind(StateStore& store, core::OperatorId id, ValueKind kind, OperatorStart start) {
    store_ = &store;
    id_ = id;
    start_ = std::move(start);
    table = &store.table(id, kVisibleTable, kind);
    settings_ = &store.table(id, kSettingsTable, ValueKind::kBytes);
    if (ttl > Duration(0)) openTimers();
}

void BoundTable::openTimers() {
    auto& touched = store_->table(id_, kTouchedTable, ValueKind::kMaxI64);
    auto& timers = store_->table(id_, kTimersTable, ValueKind::kBytes, IdleKeys::kTimeBytes);
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range)
        idle[range].emplace(touched.range(range), timers.range(range));
}

void BoundTable::beginBatch(core::BatchRun& run) {
    now_ = run.record().time;
    if (std::exchange(begun_, true)) return;
    adaptLifetime(run);
    if (!initial.empty()) takeInitial(run);
}

// Keys that were touched while nobody looked have no timer, or one of long ago.
void BoundTable::adaptLifetime(core::BatchRun& run) {
    const std::string known = setting(kLifetimeRow);
    const std::string wanted = ttl > Duration(0) ? std::to_string(ttl.count()) : std::string();
    if (known == wanted) return;
    if (wanted.empty()) openTimers();
    if (wanted.empty() || (known.empty() && !start_.isNew))
        core::orThrow(run.workers().run(core::kKeyRanges, [&](std::size_t range) {
            const auto number = static_cast<std::uint32_t>(range);
            if (wanted.empty()) return core::orThrow(idle[range]->clear());
            auto walker = table->range(number).walk();
            for (bool more = true; more;) {
                std::vector<std::string> keys;
                while (keys.size() < core::kChunkElements && (more = core::orThrow(walker.next())))
                    keys.emplace_back(walker.key());
                const std::vector<std::string_view> views(keys.begin(), keys.end());
                if (!views.empty())
                    touch(number, {reinterpret_cast<const char*>(views.data())}, views.size());
            }
        }));
    if (wanted.empty())
        for (auto& range : idle) range.reset();
    set(kLifetimeRow, wanted);
}

void BoundTable::takeInitial(const core::BatchRun& run) {
    std::string all;
    for (const auto& [key, value] : initial) {
        core::ByteWriter one;
        one.string(key);
        one.string(value);
        all += one.bytes();
    }
    const auto hash = std::to_string(XXH3_64bits(all.data(), all.size()));
    if (setting(kInitialRow) == hash) return;
    set(kInitialRow, hash);
    if (!start_.isNew || run.record().fingerprint != start_.beginFingerprint) {
        core::logWarning("state \"" + core::escaped(start_.name) +
                         "\" is in the data directory already: its " +
                         std::to_string(initial.size()) +
                         " initial states are not taken; under another name it begins with them");
        return;
    }
    for (const auto& [key, value] : initial) {
        auto& range = table->rangeOf(key);
        core::orThrow(range.put(key, value));
        const std::string_view view = key;
        touch(range.number(), {reinterpret_cast<const char*>(&view)}, 1);
    }
}

std::string BoundTable::setting(std::uint64_t row) {
    std::string value;
    core::orThrow(TimeRows(settings_->range(0))
                      .visit(row, row + 1, [&](std::uint64_t, std::string_view bytes) {
                          value = bytes;
                          return core::Result<>();
                      }));
    return value;
}

void BoundTable::set(std::uint64_t row, std::string_view value) {
    core::orThrow(TimeRows(settings_->range(0)).put(row, value));
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
