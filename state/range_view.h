// What lies below a range's active delta.
#pragma once

#include <memory>

namespace tidemill::state {

class RangeDelta;
class RocksSnapshot;

// Replaced as a whole, so that a reader never sees a change twice or not at all. A delta is first
// `frozen`, then, in the same step in which `rows` come to hold it, `ingested`; so at most one of
// the two is there. docs/architecture.md, "State". Thread safety: immutable.
struct RangeView {
    // Changes over `rows`; null: none.
    std::shared_ptr<const RangeDelta> frozen;
    // What `rows` hold already, as a cache of values: its operands must not be applied again.
    std::shared_ptr<const RangeDelta> ingested;
    // Null: there are none.
    std::shared_ptr<const RocksSnapshot> rows;
};

}  // namespace tidemill::state
