// Hears of batches as they come along.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"
#include "core/output.h"

namespace tidemill::core {

// Called by the scheduler's thread, in this order for each batch; must not throw. Times are those
// of Clock::monotonic().
class BatchObserver {
public:
    virtual ~BatchObserver() = default;
    // The batch is recorded; `due` is when it was to begin, or when its replay began.
    virtual void batchSubmitted(const BatchRecord& batch, const std::vector<BlockPtr>& blocks,
                                std::chrono::nanoseconds due) = 0;
    // Its record is durable.
    virtual void batchStarted(const BatchRecord& batch) = 0;
    // `output` is the place in which the program declared the output operation, from 0.
    virtual void outputStarted(const BatchRecord& batch, std::size_t output) = 0;
    virtual void outputCompleted(const BatchRecord& batch, std::size_t output,
                                 const Result<Visibility>& result) = 0;
    virtual void batchCompleted(const BatchRecord& batch) = 0;
};

}  // namespace tidemill::core
