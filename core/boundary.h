// The point between two batches: what counts up to it, and nothing behind it.
#pragma once

#include "core/ids.h"
#include "core/time.h"

namespace tidemill::core {

struct Boundary {
    BatchId batch;     // the one that ends here; 0: before the first
    BatchTime time{};  // of that batch
    // First batch time of the data directory minus the interval then; slides count from it.
    BatchTime zeroTime{};
    // Of the last block of that batch or of one before; what lies above belongs to later ones.
    Lsn endLsn;

    bool beforeFirst() const { return batch.value == 0; }
    bool operator==(const Boundary&) const = default;
};

}  // namespace tidemill::core
