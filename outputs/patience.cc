#include "outputs/patience.h"

#include <algorithm>
#include <bit>
#include <random>
#include <utility>

#include "core/logging.h"
#include "core/workers.h"

namespace tidemill::outputs {

using Clock = std::chrono::steady_clock;

Patience::Patience() : backoff_(std::chrono::milliseconds(50), std::random_device{}()) {}

void Patience::wait(Trouble trouble, const core::Error& error) {
    if (trouble == Trouble::kPermanent) throw core::TaskFailure(error);
    const auto wait = backoff_.next();
    const auto until = Clock::now() + wait;
    std::unique_lock lock(mutex_);
    if (!wait_) wait_ = core::PeerWait{{}, 0, Clock::now()};
    wait_->message = error.message;
    const auto failures = ++wait_->attempts;
    // The first, and then rarely.
    if (std::has_single_bit(failures) && !isOverNow())
        core::logWarning(error.message + "; the batch waits: attempt " + std::to_string(failures) +
                         ", the next in " + std::to_string(wait.count()) + " ms");
    while (!isOverNow() && Clock::now() < until)
        ends_.wait_until(lock, end_ ? std::min(until, *end_) : until);
    if (isOverNow())
        throw core::TaskFailure(
            {core::ErrorKind::kIo,
             error.message + "; the job stops and does not wait for it any longer"});
}

void Patience::over(const std::string& peer) {
    backoff_.reset();
    const std::lock_guard lock(mutex_);
    if (!std::exchange(wait_, std::nullopt)) return;
    core::logInfo(peer + " works again");
}

std::optional<core::PeerWait> Patience::waits() const {
    const std::lock_guard lock(mutex_);
    return wait_;
}

void Patience::waitAtMost(std::chrono::nanoseconds grace) {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(grace);
    const std::lock_guard lock(mutex_);
    if (!end_ || end < *end_) end_ = end;
    ends_.notify_all();
}

bool Patience::isOver() const {
    const std::lock_guard lock(mutex_);
    return isOverNow();
}

}  // namespace tidemill::outputs
