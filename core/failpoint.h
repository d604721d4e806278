// Named points at which tests stop, fail or delay the process, and a record of what the process
// is doing for those who kill it from outside.
//
// Armed through the environment, read once at the first point reached:
//   TIDEMILL_FAILPOINT=wal.midAppend:kill:3,ckpt.afterSst:delay=50
// action kill (SIGKILL to itself) | error (the operation fails with EIO) | nospace (with ENOSPC)
// | delay=MILLIS; the number says at which passing it acts (default 1; delay: every).
//   TIDEMILL_ACTIVITY_FILE=PATH
// is mapped shared; byte i counts the threads that are inside Activity i at this moment.
// Without these variables a point costs one relaxed load. Thread safety: thread-safe.
#pragma once

#include <atomic>
#include <span>
#include <string_view>

#include "core/error.h"

namespace tidemill::core {

// Every point that exists; a test passes each of them. A point that is not listed aborts.
std::span<const std::string_view> failpointNames();

namespace failpoint {
extern std::atomic<bool> armed;
Result<> reachArmed(std::string_view name);
}  // namespace failpoint

// Passes the point `name`. Errors: what the test armed it with.
inline Result<> reachFailpoint(std::string_view name) {
    if (!failpoint::armed.load(std::memory_order_relaxed)) [[likely]]
        return {};
    return failpoint::reachArmed(name);
}

enum class Activity { kReceive, kLog, kBatch, kIngest, kCheckpoint, kTrim, kRecovery, kCount };

std::string_view activityName(Activity activity);

// Marks the calling thread as doing `activity` while it lives.
class ActivityScope {
public:
    explicit ActivityScope(Activity activity) noexcept;
    ~ActivityScope();
    ActivityScope(const ActivityScope&) = delete;
    ActivityScope& operator=(const ActivityScope&) = delete;

private:
    Activity activity_;
};

}  // namespace tidemill::core

// Passes a point inside a function that returns Result.
#define TM_FAILPOINT(name) TM_TRY(::tidemill::core::reachFailpoint(name))
