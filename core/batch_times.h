// Which time the next batch has, and when it is due: docs/guide/batch_times.md.
#pragma once

#include <chrono>
#include <optional>

#include "core/time.h"

namespace tidemill::core {

// One reading of both clocks.
struct Instant {
    std::chrono::sys_time<std::chrono::nanoseconds> wall;
    std::chrono::nanoseconds monotonic{};
};

// Batch times lie on a grid of multiples of the interval and follow the wall clock: the next batch
// has the first grid time behind the previous one and is due when the wall clock reaches it. Late
// batches follow at once, none is skipped. There is one gap, to the newest grid time that has
// passed, at a start and when the wall clock has run ahead of the monotonic one by more than an
// interval since the last batch (it was set, or the machine slept). A batch that runs early has the
// time at which it runs. Times never go back: while the wall clock is behind the previous batch's
// time they hold, that is, batches go on at the interval by the monotonic clock, each a millisecond
// behind the one before.
// Thread safety: externally synchronized.
class BatchTimes {
public:
    enum class Kind {
        kGrid,   // the next grid time
        kGap,    // a later grid time: those between are skipped
        kHeld,   // a millisecond behind the previous time, because the wall clock is behind that
        kEarly,  // off the grid, before the next grid time
    };
    struct Choice {
        BatchTime time{};
        Kind kind = Kind::kGrid;
        std::chrono::nanoseconds due{};  // when the batch was to begin, by the monotonic clock
    };

    // The batch before the first one had the time `previous`; none in a new data directory. Grid
    // times are those that lie multiples of `interval` from `origin`.
    BatchTimes(Duration interval, BatchTime origin, std::optional<BatchTime> previous, Instant now);

    // The first grid time in a new data directory minus the interval.
    static BatchTime zeroTime(Duration interval, Instant now);

    // How long the next batch is to wait, as far as the clocks say now; zero or less: it is due.
    std::chrono::nanoseconds wait(Instant now) const { return next(now).due - now.monotonic; }

    // The time of the batch that runs now; it is the previous one from then on. `early`: now, even
    // if no batch is due.
    Choice take(Instant now, bool early = false);

    // How far the wall clock is behind the previous batch's time; zero when it is not.
    Duration behind(Instant now) const;

private:
    Choice next(Instant now) const;
    BatchTime gridTimeAt(BatchTime time) const;

    const Duration interval_;
    const BatchTime origin_;
    BatchTime previous_;
    Instant taken_;                    // when the last batch took its time
    std::optional<BatchTime> resume_;  // the grid time behind the gap that the start makes
};

}  // namespace tidemill::core
