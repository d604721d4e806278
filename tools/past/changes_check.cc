#include "tools/past/changes_check.h"

#include <map>
#include <utility>

#include "core/batch_record.h"
#include "state/state_store.h"

namespace tidemill::tools {

std::vector<ChangedOtherwise::Table> differentTables(const core::ChangesOfBatch& recorded,
                                                     const core::ChangesOfBatch& again) {
    std::map<std::pair<core::OperatorId, std::uint8_t>, ChangedOtherwise::Table> tables;
    const auto of = [&](const core::TableChanges& changes) -> ChangedOtherwise::Table& {
        const auto unchanged = core::TableChanges{changes.operatorId, changes.table, 0, 0};
        return tables
            .try_emplace({changes.operatorId, changes.table},
                         ChangedOtherwise::Table{unchanged, unchanged})
            .first->second;
    };
    for (const auto& changes : recorded.tables) of(changes).recorded = changes;
    for (const auto& changes : again.tables) of(changes).again = changes;
    std::vector<ChangedOtherwise::Table> different;
    for (const auto& [number, table] : tables)
        if (table.recorded != table.again) different.push_back(table);
    return different;
}

std::shared_ptr<const ReplayOptions> ChangesCheck::options() {
    auto how = std::make_shared<ReplayOptions>();
    how->before = [this](core::BatchRecord& record, std::span<const core::BlockPtr>) {
        if (batch_.value != 0 && record.batch == batch_.next()) compare(record.changesBefore);
        return core::Result<>();
    };
    how->after = [this](const core::BatchRecord& record, state::StateStore& store) {
        batch_ = record.batch;
        again_ = store.changesOfBatch();
        return core::Result<>();
    };
    return how;
}

void ChangesCheck::compare(const core::ChangesOfBatch& recorded) {
    if (recorded.unknown || again_.unknown) return;
    ++compared_;
    if (first_ || recorded == again_) return;
    first_ = ChangedOtherwise{batch_, differentTables(recorded, again_)};
}

}  // namespace tidemill::tools
