// What a batch changed in the state, in short: a digest for each table, which a re-run of the batch
// is compared with.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "core/ids.h"

namespace tidemill::core {

// Both numbers follow from the changes alone, in whatever order and by however many workers they
// are made; see state/change_digest.h.
struct TableChanges {
    OperatorId operatorId;
    std::uint8_t table = 0;
    std::uint64_t count = 0;   // how many changes were made
    std::uint64_t digest = 0;  // the sum of their hashes, modulo 2^64
    bool operator==(const TableChanges&) const = default;
};

struct ChangesOfBatch {
    // Of each table that was changed; ascending by operator and table.
    std::vector<TableChanges> tables;
    // Nobody knows: the batch ran before this start, or nothing is kept of it.
    bool unknown = false;
    bool operator==(const ChangesOfBatch&) const = default;
};

}  // namespace tidemill::core
