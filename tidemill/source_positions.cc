#include "tidemill/source_positions.h"

namespace tidemill {

using core::Result;

SourcePositions::SourcePositions(state::StateStore& store,
                                 const std::vector<SourceDeclaration>& sources)
    : table_(store.table(core::kSystemOperator, state::kSourceTable, state::ValueKind::kBytes)),
      sources_(sources) {}

Result<> SourcePositions::restore() {
    state::Lookup lookup;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!sources_[i].replayable) continue;
        const std::string key = std::to_string(i);
        const std::string_view view = key;
        TM_TRY(table_.rangeOf(key).get({reinterpret_cast<const char*>(&view)}, 1, lookup));
        if (!lookup.found(0)) continue;
        kept_[key] = lookup.bytes(0);
        TM_TRY(sources_[i].replayable->restore(kept_[key]));
    }
    return {};
}

Result<> SourcePositions::keep() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!sources_[i].replayable) continue;
        const std::string key = std::to_string(i);
        auto position = sources_[i].replayable->position();
        if (kept_[key] == position) continue;
        TM_TRY(table_.rangeOf(key).put(key, position));
        kept_[key] = std::move(position);
    }
    return {};
}

}  // namespace tidemill
