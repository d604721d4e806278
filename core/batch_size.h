// How many bytes of received data the next batch may take.
#pragma once

#include <cstddef>

namespace tidemill::core {

// Memory that grows with a batch is to stay below `memoryBytes`. What it is for a byte of the batch
// is not known before: it is views and copies of every record, or a table with an entry for each
// key that occurs. So batches are of that size, until one that was not much smaller has shown that
// less memory is held: then they may be larger, in steps, until memory would be the same.
// Thread safety: worker-confined.
class BatchSize {
public:
    // `holdsRecords`: something is held for every record; then no batch is larger.
    BatchSize(std::size_t memoryBytes, bool holdsRecords)
        : memoryBytes_(memoryBytes), holdsRecords_(holdsRecords), bytesMax_(memoryBytes) {}

    // Of the next batch.
    std::size_t bytesMax() const { return bytesMax_; }

    // A batch of `batchBytes` held `heldBytes` until it was done.
    void ran(std::size_t batchBytes, std::size_t heldBytes);

private:
    const std::size_t memoryBytes_;
    const bool holdsRecords_;
    std::size_t bytesMax_;
};

}  // namespace tidemill::core
