// The keys of rows in RocksDB: [operator u32 big-endian][table u8][key group u8][key].
// Format: docs/formats/state_rows.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/ids.h"
#include "core/key_group.h"

namespace tidemill::state {

inline constexpr std::size_t kTablePrefixBytes = 5;
inline constexpr std::size_t kRowPrefixBytes = 6;

inline void appendOperatorPrefix(std::string& out, core::OperatorId id) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(id.value >> shift));
}

inline std::string tablePrefix(core::OperatorId id, std::uint8_t table) {
    std::string out;
    appendOperatorPrefix(out, id);
    out.push_back(static_cast<char>(table));
    return out;
}

inline std::string rowKey(core::OperatorId id, std::uint8_t table, std::uint8_t group,
                          std::string_view key) {
    std::string out = tablePrefix(id, table);
    out.push_back(static_cast<char>(group));
    out += key;
    return out;
}

// The first row key behind all that begin with `prefix`; empty when there is none.
inline std::string endOfPrefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
    return prefix;
}

// Row of the mark: operator 0, table 0, group 0.
inline std::string markRowKey() { return rowKey(core::kSystemOperator, 0, 0, "mark"); }

}  // namespace tidemill::state
