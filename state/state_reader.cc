#include "state/state_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/arena.h"
#include "core/key_group.h"
#include "state/rocks_store.h"
#include "state/row_key.h"
#include "state/state_store.h"

namespace tidemill::state {

using core::Result;

namespace {

std::string_view keyOf(const RowCursor& cursor) { return keyOfRow(cursor.key()); }

// The least key behind all that begin with `prefix`, and `to`, whichever comes first; empty: none.
std::string endOf(const ScanOptions& options) {
    std::string end = endOfPrefix(std::string(options.prefix));
    if (!options.to.empty() && (end.empty() || options.to < end)) end = options.to;
    return end;
}

}  // namespace

StateReader::StateReader(std::unique_ptr<RocksStore> rocks, core::BatchMark mark)
    : rocks_(std::move(rocks)), mark_(std::move(mark)) {}
StateReader::~StateReader() = default;

Result<std::unique_ptr<StateReader>> StateReader::open(const core::Path& generation,
                                                       std::size_t blockCacheBytes) {
    TM_ASSIGN(auto rocks,
              RocksStore::open(
                  {.directory = generation, .blockCacheBytes = blockCacheBytes, .readOnly = true}));
    TM_ASSIGN(auto mark, readMark(*rocks));
    if (!mark)
        return core::fail(core::ErrorKind::kCorrupt,
                          "generation holds no mark: directory=" + generation.string());
    return std::unique_ptr<StateReader>(new StateReader(std::move(rocks), std::move(*mark)));
}

Result<std::vector<TableSummary>> StateReader::tables(bool countRows) const {
    std::map<std::pair<core::OperatorId, std::uint8_t>, TableSummary> tables;
    RowCursor cursor(rocks_->snapshot(), markRowKey() + '\0', {});
    while (cursor.valid()) {
        const std::string prefix(cursor.key().substr(0, kRowPrefixBytes));
        TableSummary& table = tables[{operatorOfRow(prefix), tableOfRow(prefix)}];
        table.operatorId = operatorOfRow(prefix);
        table.number = tableOfRow(prefix);
        TM_ASSIGN(const auto value, decodeRowValue(cursor.value()));
        table.kind = value.kind;
        for (const auto& entry : mark_.operators) {
            if (entry.id != table.operatorId) continue;
            table.operatorName = entry.name;
            table.signature = entry.signature;
        }
        if (countRows) {
            for (; cursor.valid() && cursor.key().starts_with(prefix); cursor.next()) {
                ++table.rows;
                table.bytes += cursor.key().size() + cursor.value().size();
            }
        } else {
            cursor.seek(endOfPrefix(prefix));
        }
    }
    TM_TRY(cursor.status());
    std::vector<TableSummary> all;
    for (auto& [id, table] : tables) all.push_back(std::move(table));
    return all;
}

Result<std::optional<std::string>> StateReader::get(core::OperatorId operatorId, std::uint8_t table,
                                                    std::string_view key) const {
    const std::string row = rowKey(operatorId, table, core::keyGroup(key), key);
    const std::string_view rowView = row;
    core::Arena arena;
    std::optional<std::string_view> stored;
    TM_TRY(RocksStore::multiGet(*rocks_->snapshot(), {&rowView, 1}, arena, &stored));
    if (!stored) return std::optional<std::string>();
    TM_ASSIGN(const auto value, decodeRowValue(*stored));
    return std::optional(std::string(value.bytes));
}

Result<> StateReader::scan(core::OperatorId operatorId, std::uint8_t table,
                           const ScanOptions& options, const Row& row) const {
    const auto rows = rocks_->snapshot();
    const std::string_view from = std::max(options.prefix, options.from);
    const std::string end = endOf(options);
    std::vector<std::unique_ptr<RowCursor>> cursors;  // a heap, the least key first
    const auto later = [](const auto& a, const auto& b) { return keyOf(*b) < keyOf(*a); };
    for (std::uint32_t group = 0; group < core::kKeyGroups; ++group) {
        const auto groupNumber = static_cast<std::uint8_t>(group);
        const std::string groupPrefix = rowKey(operatorId, table, groupNumber, {});
        auto cursor =
            std::make_unique<RowCursor>(rows, groupPrefix + std::string(from),
                                        end.empty() ? endOfPrefix(groupPrefix) : groupPrefix + end);
        if (cursor->valid()) {
            cursors.push_back(std::move(cursor));
        } else {
            TM_TRY(cursor->status());
        }
    }
    std::make_heap(cursors.begin(), cursors.end(), later);
    for (std::size_t seen = 0; seen < options.limit && !cursors.empty(); ++seen) {
        std::pop_heap(cursors.begin(), cursors.end(), later);
        RowCursor& least = *cursors.back();
        TM_ASSIGN(const auto value, decodeRowValue(least.value()));
        if (!row(keyOf(least), value.bytes)) return {};
        least.next();
        if (least.valid()) {
            std::push_heap(cursors.begin(), cursors.end(), later);
        } else {
            TM_TRY(least.status());
            cursors.pop_back();
        }
    }
    return {};
}

}  // namespace tidemill::state
