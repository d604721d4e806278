#include "tidemill/source_positions.h"

#include <charconv>

#include "core/mutant.h"

namespace tidemill {

using core::Result;

SourcePositions::SourcePositions(state::StateStore& store,
                                 const std::vector<SourceDeclaration>& sources)
    : table_(store.table(core::kSystemOperator, state::kSourceTable, state::ValueKind::kBytes)),
      sources_(sources) {}

Result<std::vector<std::vector<core::SourcePosition>>> SourcePositions::load() {
    std::vector<std::vector<core::SourcePosition>> positions(sources_.size());
    for (std::uint32_t range = 0; range < core::kKeyRanges; ++range) {
        auto walker = table_.range(range).walk();
        while (true) {
            TM_ASSIGN(const bool more, walker.next());
            if (!more) break;
            const auto key = walker.key();
            std::size_t number = 0;
            const auto read = std::from_chars(key.data(), key.data() + key.size(), number);
            auto own = key.substr(static_cast<std::size_t>(read.ptr - key.data()));
            if (read.ec != std::errc() || (!own.empty() && !own.starts_with(':')))
                return core::fail(core::ErrorKind::kCorrupt,
                                  "a stored position of a source does not parse");
            if (!own.empty()) own.remove_prefix(1);
            // A program that lost its last sources leaves rows behind.
            if (number >= sources_.size() || !sources_[number].replayable) continue;
            // Tables of lookups stand behind the other sources, so that their numbers change.
            constexpr std::string_view kLookup = "lookup";
            if (own.starts_with(kLookup) != (sources_[number].kind == kLookup)) continue;
            positions[number].push_back({std::string(own), std::string(walker.value())});
        }
    }
    return positions;
}

Result<> SourcePositions::keep() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!sources_[i].replayable) continue;
        for (const auto& change : sources_[i].replayable->takeChanges()) {
            std::string key = std::to_string(i);
            if (!change.lane.empty()) key += ":" + change.lane;
            auto& range = table_.rangeOf(key);
            if (TM_MUTANT(file_positions_not_kept)) continue;
            TM_TRY(change.position ? range.put(key, *change.position) : range.remove(key));
        }
    }
    return {};
}

}  // namespace tidemill
