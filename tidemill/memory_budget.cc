#include "tidemill/memory_budget.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tidemill {
namespace {

// The program, its stacks, what the log's and RocksDB's writers hold, and what malloc keeps; the
// test of an overload measures less than this.
constexpr std::size_t kProgramBytes = 64 << 20;
constexpr std::size_t kParts = 16;
constexpr std::size_t kBatchParts = 2;
constexpr std::size_t kReceiveParts = 2 * kBatchParts;
constexpr std::size_t kDeltaParts = 4;
constexpr std::size_t kCacheParts = 1;
// So that a few connections can each have an open one.
constexpr std::size_t kBlocksPerBatch = 4;

}  // namespace

void divideMemory(std::size_t bytes, StreamingOptions& options) {
    if (bytes < kMemoryBytesMin)
        throw std::invalid_argument("divideMemory: " + std::to_string(bytes) +
                                    " bytes are too little: at least " +
                                    std::to_string(kMemoryBytesMin));
    options.memoryBytes = bytes;
    const std::size_t part = (bytes - kProgramBytes) / kParts;
    const StreamingOptions defaults;
    options.maxBatchBytes = kBatchParts * part;
    options.receiveBudgetBytes = kReceiveParts * part;
    options.deltaBudgetBytes = kDeltaParts * part;
    options.stateCacheBytes = kCacheParts * part;
    options.blockBytes = std::min(defaults.blockBytes, options.maxBatchBytes / kBlocksPerBatch);
    options.maxStateRowBytes = std::min(defaults.maxStateRowBytes, options.deltaBudgetBytes);
    options.maxRememberedBytes = std::min(defaults.maxRememberedBytes, options.maxBatchBytes);
}

}  // namespace tidemill
