#include "outputs/patience.h"

#include <bit>
#include <random>
#include <thread>
#include <utility>

#include "core/logging.h"
#include "core/workers.h"

namespace tidemill::outputs {

Patience::Patience() : backoff_(std::chrono::milliseconds(50), std::random_device{}()) {}

void Patience::wait(Trouble trouble, const core::Error& error) {
    if (trouble == Trouble::kPermanent) throw core::TaskFailure(error);
    const auto wait = backoff_.next();
    std::uint64_t failures = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!wait_) wait_ = core::PeerWait{{}, 0, std::chrono::steady_clock::now()};
        wait_->message = error.message;
        failures = ++wait_->attempts;
    }
    // The first, and then rarely.
    if (std::has_single_bit(failures))
        core::logWarning(error.message + "; the batch waits: attempt " + std::to_string(failures) +
                         ", the next in " + std::to_string(wait.count()) + " ms");
    std::this_thread::sleep_for(wait);
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

}  // namespace tidemill::outputs
