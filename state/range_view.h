// What lies below a range's active delta.
#pragma once

#include <memory>

namespace tidemill::state {

class RangeDelta;
class RocksSnapshot;

// Replaced as a whole, so that a reader never sees a change twice or not at all: before the ingest
// the frozen delta lies over rows without it; afterwards the rows hold it, and the frozen delta is
// only a cache of values (its operands are in the rows and must not be applied again).
// Thread safety: immutable.
struct RangeView {
    std::shared_ptr<const RangeDelta> frozen;   // may be null
    bool ingested = true;                       // `rows` hold `frozen`
    std::shared_ptr<const RocksSnapshot> rows;  // null: there are none
};

}  // namespace tidemill::state
