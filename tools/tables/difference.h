// What differs between two states, row by row.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "state/state_reader.h"

namespace tidemill::tools {

// A table of either state.
struct TableOfTwo {
    std::optional<state::TableSummary> before;
    std::optional<state::TableSummary> after;
    const state::TableSummary& any() const { return after ? *after : *before; }
};

// All tables of both but the one that holds the mark, by operator and number.
core::Result<std::vector<TableOfTwo>> tablesOf(const state::StateReader& before,
                                               const state::StateReader& after);

// A row that is not the same in both; one that is missing on a side has no value there. A sum over
// a window that came to nothing counts as missing.
struct RowDifference {
    std::string_view key;
    std::optional<std::string_view> before;
    std::optional<std::string_view> after;
};

struct Compared {
    std::uint64_t rows = 0;  // different keys
    std::uint64_t differences = 0;
};

// Calls differs(…) in the order of key bytes; when it returns false, no more are told, but all are
// counted. Memory: some thousand rows of each side. Errors: kIo, kCorrupt.
core::Result<Compared> compareTable(const state::StateReader& before,
                                    const state::StateReader& after, const TableOfTwo& table,
                                    const std::function<bool(const RowDifference&)>& differs);

}  // namespace tidemill::tools
