#include "core/clock.h"

#include <stdexcept>
#include <string>

namespace tidemill::core {

BatchTime SystemClock::wall() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::chrono::sys_time<std::chrono::nanoseconds> SystemClock::exactWall() const {
    return std::chrono::system_clock::now();
}

std::chrono::nanoseconds SystemClock::monotonic() const {
    return std::chrono::steady_clock::now().time_since_epoch();
}

bool SystemClock::waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                            std::chrono::nanoseconds deadline, const std::function<bool()>& wake) {
    return condition.wait_until(lock, std::chrono::steady_clock::time_point(deadline), wake);
}

}  // namespace tidemill::core

namespace tidemill {

ManualClock::ManualClock(BatchTime start) : wall_(start) {}

void ManualClock::advance(Duration by) {
    if (by < Duration(0))
        throw std::invalid_argument(
            "ManualClock::advance(" + std::to_string(by.count()) +
            " ms): time does not pass backwards; step() sets the clock back");
    std::lock_guard lock(mutex_);
    wall_ += by;
    passed_ += by;
    for (auto* sleeper : sleepers_) sleeper->notify_all();
}

void ManualClock::step(Duration by) {
    std::lock_guard lock(mutex_);
    wall_ += by;
    for (auto* sleeper : sleepers_) sleeper->notify_all();
}

BatchTime ManualClock::wall() const {
    std::lock_guard lock(mutex_);
    return wall_;
}

std::chrono::nanoseconds ManualClock::monotonic() const {
    std::lock_guard lock(mutex_);
    return passed_;
}

bool ManualClock::waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                            std::chrono::nanoseconds deadline, const std::function<bool()>& wake) {
    std::multiset<std::condition_variable*>::iterator self;
    {
        std::lock_guard own(mutex_);
        self = sleepers_.insert(&condition);
    }
    // advance() may fall between the test of the time and the wait, and it does not hold `lock`;
    // the short timeout closes that gap without a lock order between user and clock.
    while (!wake() && monotonic() < deadline)
        condition.wait_for(lock, std::chrono::milliseconds(5));
    {
        std::lock_guard own(mutex_);
        sleepers_.erase(self);
    }
    return wake();  // after mutex_ is released: it may ask this clock for the time
}

}  // namespace tidemill
