// The result of a keyed window: a table that follows the panes that enter and leave.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/chunk.h"
#include "state/pane_pairs.h"
#include "state/state_table.h"

namespace tidemill::state {

enum class RowChange { kKeep, kPut, kRemove };

// Pair: PanePair, PaneEntry. Calls change(pair, optional bytes of the key's row, std::string& bytes
// to put) for every pair and does to the row what it answers. Keys differ from pair to pair. Reads
// and writes in chunks. Errors: kIo, kNoSpace, kCorrupt.
template <class Pair, class Change>
core::Result<> changeRows(StateRange& range, std::span<const Pair> pairs, Change change) {
    Lookup lookup;
    std::vector<std::string> made(core::kChunkElements);
    std::vector<std::string_view> keys, putKeys, putValues, removed;
    while (!pairs.empty()) {
        const auto chunk = pairs.first(std::min(pairs.size(), core::kChunkElements));
        pairs = pairs.subspan(chunk.size());
        keys.clear();
        for (const auto& pair : chunk) keys.push_back(pair.key);
        TM_TRY(range.get({reinterpret_cast<const char*>(keys.data())}, keys.size(), lookup));
        putKeys.clear();
        putValues.clear();
        removed.clear();
        for (std::size_t i = 0; i < chunk.size(); ++i) {
            std::optional<std::string_view> before;
            if (lookup.found(i)) before = lookup.bytes(i);
            made[i].clear();
            switch (change(chunk[i], before, made[i])) {
                case RowChange::kKeep: break;
                case RowChange::kRemove:
                    if (before) removed.push_back(keys[i]);
                    break;
                case RowChange::kPut:
                    putKeys.push_back(keys[i]);
                    putValues.push_back(made[i]);
                    break;
            }
        }
        if (!putKeys.empty())
            TM_TRY(range.put({reinterpret_cast<const char*>(putKeys.data())}, putKeys.size(),
                             putValues.data()));
        for (const auto key : removed) TM_TRY(range.remove(key));
    }
    return {};
}

}  // namespace tidemill::state
