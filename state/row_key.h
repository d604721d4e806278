// The keys of rows in RocksDB: [key group u8][operator u32 big-endian][table u8][key], so that key
// groups are ranges of files. Format: docs/formats/state_rows.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/big_endian.h"
#include "core/ids.h"
#include "core/key_group.h"

namespace tidemill::state {

inline constexpr std::size_t kRowPrefixBytes = 6;

inline std::string operatorPrefix(std::uint8_t group, core::OperatorId id) {
    std::string out(1, static_cast<char>(group));
    core::appendBigEndian(id.value, out);
    return out;
}

// What stands before the keys of a table in a key group.
inline std::string rowPrefix(std::uint8_t group, core::OperatorId id, std::uint8_t table) {
    std::string out = operatorPrefix(group, id);
    out.push_back(static_cast<char>(table));
    return out;
}

inline std::string rowKey(core::OperatorId id, std::uint8_t table, std::uint8_t group,
                          std::string_view key) {
    std::string out = rowPrefix(group, id, table);
    out += key;
    return out;
}

// The parts of a row's key, which has kRowPrefixBytes at least.
inline std::uint8_t groupOfRow(std::string_view row) { return static_cast<std::uint8_t>(row[0]); }
inline core::OperatorId operatorOfRow(std::string_view row) {
    return core::OperatorId(core::loadBigEndian<std::uint32_t>(row.data() + 1));
}
inline std::uint8_t tableOfRow(std::string_view row) { return static_cast<std::uint8_t>(row[5]); }
inline std::string_view keyOfRow(std::string_view row) { return row.substr(kRowPrefixBytes); }

// The first row key behind all that begin with `prefix`; empty when there is none.
inline std::string endOfPrefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
    if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
    return prefix;
}

// Row of the mark: operator 0, table 0, group 0.
inline std::string markRowKey() { return rowKey(core::kSystemOperator, 0, 0, "mark"); }

}  // namespace tidemill::state
