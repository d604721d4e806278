// A source that can be asked again for the same range of its input: files, text in memory. Its
// bytes are not in the log; the batch record holds the range instead.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.h"
#include "core/time.h"

namespace tidemill::core {

// Thread safety: called by the scheduler's thread; what a batch reads is read by its workers.
class ReplayableSource {
public:
    virtual ~ReplayableSource() = default;

    struct Plan {
        // The range, in the source's own encoding; empty: nothing in this batch.
        std::string range;
        std::size_t sizeBytes = 0;
    };
    // Chooses what the batch at `time` takes, behind all that was chosen before. At most
    // `bytesMax` unless a single record is larger.
    virtual Result<Plan> plan(BatchTime time, std::size_t bytesMax, unsigned workers) = 0;

    // The range a recorded batch took: choose behind it from now on.
    virtual Result<> resume(std::string_view range) = 0;

    // Where it stands, in its own encoding: kept with the state after each batch, given back to
    // restore() at the next start before any resume().
    virtual std::string position() const = 0;
    virtual Result<> restore(std::string_view position) = 0;
};

}  // namespace tidemill::core
