// Answers of a server that take a while, made on a thread of their own, one after another.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace tidemill::tools {

// Thread safety: thread-safe.
class LaterAnswers {
public:
    explicit LaterAnswers(std::size_t waitingMost);
    ~LaterAnswers() { end(); }

    // False: too many wait, or it is over; nothing is done then.
    bool ask(std::function<void(bool isOver)> work);

    // Waits for the work at hand; what waits is called with isOver. Idempotent.
    void end();

private:
    void loop();

    const std::size_t waitingMost_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void(bool)>> waiting_;
    bool ended_ = false;
    std::thread thread_;
};

}  // namespace tidemill::tools
