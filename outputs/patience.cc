#include "outputs/patience.h"

#include <bit>
#include <random>
#include <thread>

#include "core/logging.h"
#include "core/workers.h"

namespace tidemill::outputs {

Patience::Patience(std::string peer, std::string place)
    : peer_(std::move(peer)),
      place_(std::move(place)),
      backoff_(std::chrono::milliseconds(50), std::random_device{}()) {}

void Patience::wait(Trouble trouble, const core::Error& error) {
    if (trouble == Trouble::kPermanent) throw core::TaskFailure(error);
    const auto wait = backoff_.next();
    // The first, and then rarely.
    if (std::has_single_bit(++failures_))
        core::logWarning(error.message + "; the batch waits: attempt " + std::to_string(failures_) +
                         ", the next in " + std::to_string(wait.count()) + " ms");
    std::this_thread::sleep_for(wait);
}

void Patience::over() {
    if (failures_ > 0) core::logInfo(peer_ + " works again: " + place_);
    failures_ = 0;
    backoff_.reset();
}

}  // namespace tidemill::outputs
