// The engine's only source of time, so that tests can replace it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>

#include "core/time.h"

namespace tidemill::core {

// Thread safety: thread-safe.
class Clock {
public:
    virtual ~Clock() = default;

    // Wall time; may jump. Batch times come from it, and which files are old at a first start;
    // lengths of time never do.
    virtual BatchTime wall() const = 0;
    // The same, as fine as the clock has it.
    virtual std::chrono::sys_time<std::chrono::nanoseconds> exactWall() const { return wall(); }

    // Time since an arbitrary point; never jumps, not comparable across processes.
    virtual std::chrono::nanoseconds monotonic() const = 0;

    // Sleeps on `condition`, whose mutex `lock` holds, until `wake()` is true or monotonic()
    // has reached `deadline`. `wake` is called with the lock held. Returns what `wake` said last.
    virtual bool waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                           std::chrono::nanoseconds deadline,
                           const std::function<bool()>& wake) = 0;
};

class SystemClock final : public Clock {
public:
    BatchTime wall() const override;
    std::chrono::sys_time<std::chrono::nanoseconds> exactWall() const override;
    std::chrono::nanoseconds monotonic() const override;
    bool waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                   std::chrono::nanoseconds deadline, const std::function<bool()>& wake) override;
};

}  // namespace tidemill::core

namespace tidemill {

// A clock that stands still until it is moved: for tests of programs that use Tidemill.
// Advanced by three batch intervals it gives three batches. Thread safety: thread-safe.
class ManualClock final : public core::Clock {
public:
    explicit ManualClock(BatchTime start = fromMillis(0));

    // Lets time pass, by both clocks. Throws std::invalid_argument for a negative span.
    void advance(Duration by);

    // Sets the wall clock forward, or back when `by` is negative, and lets no time pass: a clock
    // that was corrected, or with a positive `by` a machine that slept.
    void step(Duration by);

    BatchTime wall() const override;
    std::chrono::nanoseconds monotonic() const override;
    bool waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                   std::chrono::nanoseconds deadline, const std::function<bool()>& wake) override;

private:
    mutable std::mutex mutex_;
    BatchTime wall_;
    Duration passed_{0};
    std::multiset<std::condition_variable*> sleepers_;
};

}  // namespace tidemill
