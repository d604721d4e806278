// A source that can be asked again for the same range of its input: files, text in memory. Its
// bytes are not in the log; the batch record holds the range instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_times.h"
#include "core/error.h"
#include "core/time.h"

namespace tidemill::core {

// Thread safety: called by the scheduler's thread, except where said; what a batch reads is read by
// its workers.
class ReplayableSource {
public:
    virtual ~ReplayableSource() = default;

    // The wall time at which the source's life began: of the data directory's first start, or of
    // the first one with this source. Called before anything else.
    virtual void firstStartedAt(BatchTime) {}

    // Gets ready what the next batch may take, at most about `bytesMax`, and says how much that is.
    // May take as long as a look at many files takes.
    virtual Result<std::size_t> prepare(Instant, std::size_t bytesMax) { return bytesMax; }

    struct Plan {
        // The range, in the source's own encoding; empty: nothing in this batch.
        std::string range;
        std::size_t sizeBytes = 0;
    };
    struct Limits {
        // Of what the range names, unless a single record is larger.
        std::size_t bytes = 0;
        // Of the range's encoding.
        std::size_t rangeBytes = 0;
        unsigned workers = 1;
    };
    // Chooses what the next batch takes, behind all that was chosen before. Quick: the log waits.
    virtual Result<Plan> plan(const Limits& limits) = 0;

    // The range a recorded batch took: choose behind it from now on.
    virtual Result<> resume(std::string_view range) = 0;

    // Where it stands is kept with the state as rows of its own; keys and values are the source's.
    struct RowChange {
        std::string key;
        std::optional<std::string> value;  // none: the row goes
    };
    // What plan() or resume() changed since the last call. Called when the batch has run.
    virtual std::vector<RowChange> takeChanges() = 0;
    // A row as the last complete batch left it. Called for each at a start, before any resume().
    virtual Result<> restore(std::string_view key, std::string_view value) = 0;

    // Records left out since the start because they were too long. Thread-safe.
    virtual std::uint64_t oversizeRecords() const { return 0; }
};

}  // namespace tidemill::core
