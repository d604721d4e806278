// The connections that wait for something other than their peer, by what it is. Private to
// sources/.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "sources/event_loop.h"
#include "sources/time_limits.h"

namespace tidemill::sources {

class TextConnection;

// Thread safety: confined to the I/O thread.
class WaitingConnections {
public:
    WaitingConnections(EventLoop& loop, TimeLimits& limits) : loop_(loop), limits_(limits) {}

    // For the batch time: it holds a buffer, with lines to be handed over then.
    void setOpen(TextConnection& connection, bool open);
    // For the batch time: few bytes come at a time, so they are read then only.
    void setLowRate(TextConnection& connection, bool lowRate);
    // For room in the budget, in the order in which they came.
    void awaitBudget(TextConnection& connection);
    // For reading to be resumed.
    void holdPaused(TextConnection& connection);

    // A batch time.
    void flush();
    // Of batch times so far.
    std::uint64_t flushes() const { return flushes_; }
    // The budget has room again: each tries, until one is refused again.
    void retryBudget();
    // Reading was resumed.
    void retryPaused();

private:
    EventLoop& loop_;
    TimeLimits& limits_;
    std::vector<TextConnection*> open_, lowRate_;
    std::uint64_t flushes_ = 0;
    std::deque<std::weak_ptr<TextConnection>> awaitingBudget_;
    std::vector<std::weak_ptr<TextConnection>> paused_;
};

}  // namespace tidemill::sources
