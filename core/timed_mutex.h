// A mutex that can be waited for with a limit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace tidemill::core {

// As std::timed_mutex, which waits by a call of glibc (pthread_mutex_clocklock) that the thread
// sanitizer of g++ 12 does not know: it would report races where there are none.
class TimedMutex {
public:
    void lock() {
        std::unique_lock lock(mutex_);
        freed_.wait(lock, [this] { return !held_; });
        held_ = true;
    }
    bool try_lock() {
        const std::lock_guard lock(mutex_);
        return !std::exchange(held_, true);
    }
    template <class Clock, class Duration>
    bool try_lock_until(const std::chrono::time_point<Clock, Duration>& until) {
        std::unique_lock lock(mutex_);
        if (!freed_.wait_until(lock, until, [this] { return !held_; })) return false;
        held_ = true;
        return true;
    }
    void unlock() {
        const std::lock_guard lock(mutex_);
        held_ = false;
        freed_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable freed_;
    bool held_ = false;
};

}  // namespace tidemill::core
