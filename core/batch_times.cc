#include "core/batch_times.h"

#include <algorithm>

namespace tidemill::core {
namespace {

// Held times grow by a millisecond a batch; with batches every millisecond the wall clock would
// never catch up.
constexpr Duration kHeldIntervalMin{2};

BatchTime inMillis(Instant now) { return std::chrono::floor<Duration>(now.wall); }

// Rounds down, also before 1970.
BatchTime gridTime(BatchTime time, BatchTime origin, Duration interval) {
    auto behind = (time - origin) % interval;
    if (behind < Duration(0)) behind += interval;
    return time - behind;
}

}  // namespace

BatchTimes::BatchTimes(Duration interval, BatchTime origin, std::optional<BatchTime> previous,
                       Instant now)
    : interval_(interval),
      origin_(origin),
      previous_(previous.value_or(zeroTime(interval, now))),
      taken_(now) {
    const BatchTime newest = gridTimeAt(inMillis(now));
    if (newest > gridTimeAt(previous_) + interval_) resume_ = newest;
}

BatchTime BatchTimes::zeroTime(Duration interval, Instant now) {
    return gridTime(inMillis(now), BatchTime{}, interval);
}

BatchTime BatchTimes::gridTimeAt(BatchTime time) const {
    return gridTime(time, origin_, interval_);
}

BatchTimes::Choice BatchTimes::next(Instant now) const {
    const BatchTime wall = inMillis(now);
    const Choice held{previous_ + Duration(1), Kind::kHeld,
                      taken_.monotonic + std::max(interval_, kHeldIntervalMin)};
    if (wall < previous_) return held;
    const BatchTime following = gridTimeAt(previous_) + interval_;
    const auto ahead = (now.wall - taken_.wall) - (now.monotonic - taken_.monotonic);
    if (const BatchTime newest = gridTimeAt(wall); newest > following && ahead > interval_)
        return {newest, Kind::kGap, now.monotonic};
    if (resume_ && *resume_ <= wall) return {*resume_, Kind::kGap, taken_.monotonic};
    const auto due = now.monotonic + (following - now.wall);
    // When the wall clock has only just caught up, the next grid time may be more than an interval
    // away: batches keep coming at the interval until it is nearer than that.
    if (inMillis(taken_) < previous_ && held.due < due) return held;
    return {following, Kind::kGrid, due};
}

BatchTimes::Choice BatchTimes::take(Instant now, bool early) {
    Choice choice = next(now);
    if (early && choice.due > now.monotonic) {
        if (choice.kind == Kind::kGrid)
            choice = {std::max(inMillis(now), previous_ + Duration(1)), Kind::kEarly, {}};
        choice.due = now.monotonic;
    }
    previous_ = choice.time;
    taken_ = now;
    resume_.reset();
    return choice;
}

Duration BatchTimes::behind(Instant now) const {
    return std::max(previous_ - inMillis(now), Duration(0));
}

}  // namespace tidemill::core
