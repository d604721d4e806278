// What connections must not take too long for, or too much memory. Private to sources/.
#pragma once

#include <array>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>

#include "sources/event_loop.h"
#include "sources/network_service.h"

namespace tidemill::sources {

class TextConnection;

// A connection is under one at most. kTakeover: when one that waits for a busy session asks again.
enum class TimeLimit { kFirstLine, kUnfinishedLine, kTakeover, kLinger, kCount };

struct TimedConnection {
    TextConnection* connection;
    std::chrono::steady_clock::time_point since;
};
// Where a connection stands in the list of its time limit.
struct TimedPlace {
    TimeLimit limit;
    std::list<TimedConnection>::iterator at;
};

// Thread safety: confined to the I/O thread.
class TimeLimits {
public:
    TimeLimits(EventLoop& loop, const NetworkOptions& options);

    // From now on; none: until set again. Tells the connection (timeIsUp) when its time is up.
    void set(TextConnection& connection, std::optional<TimeLimit> limit);
    // The unfinished bytes of an accepted connection changed. While all have too many together, the
    // one with the oldest unfinished line is told (overUnfinishedBudget), this one or another.
    void unfinishedChanged(std::size_t before, std::size_t after);
    // No time is up any more.
    void cancel() { timer_.cancel(); }

private:
    using List = std::list<TimedConnection>;
    List& listOf(TimeLimit limit) { return lists_[static_cast<std::size_t>(limit)]; }
    std::chrono::milliseconds lengthOf(TimeLimit limit) const;
    void arm();
    void onTimer();

    EventLoop& loop_;
    const NetworkOptions& options_;
    asio::steady_timer timer_;
    bool armed_ = false;
    // By limit, each in the order of its deadlines.
    std::array<List, static_cast<std::size_t>(TimeLimit::kCount)> lists_;
    std::size_t unfinishedBytes_ = 0;
};

}  // namespace tidemill::sources
