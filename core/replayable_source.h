// A source that can be asked again for the same range of its input: files, text in memory. Its
// bytes are not in the log; the batch record holds the range instead.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/batch_times.h"
#include "core/error.h"
#include "core/source.h"
#include "core/time.h"

namespace tidemill::core {

// Thread safety: called by the scheduler's thread, except where said; what a batch reads is read by
// its workers.
// Its life is open(), resumeBehind() for each batch that is run again, start(); then prepare(),
// plan() and takeChanges() for each batch.
class ReplayableSource : public Source {
public:
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
    virtual Result<> resumeBehind(std::string_view range) = 0;

    // Calls visit(place, record) for each record of a range, in its order; `place` is the path of
    // the record's file, empty where there is none. Errors: as when a batch reads the range.
    using Visit = std::function<void(std::string_view place, std::string_view record)>;
    virtual Result<> visitRecords(std::string_view range, const Visit& visit) = 0;

    // Where it stands is kept with the state, a row for each lane; open() gets them back.
    struct PositionChange {
        std::string lane;
        std::optional<std::string> position;  // none: the row goes
    };
    // What plan() or resumeBehind() changed since the last call. Called when the batch has run.
    virtual std::vector<PositionChange> takeChanges() = 0;

    // Paused it is neither prepared nor planned.
    void pause() final { paused_ = true; }
    void resume() final { paused_ = false; }
    bool paused() const { return paused_; }
    void stop(bool) override {}
    SourceStatistics statistics() const override { return {}; }

private:
    std::atomic<bool> paused_ = false;
};

}  // namespace tidemill::core
