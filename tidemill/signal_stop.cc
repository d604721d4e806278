#include "tidemill/signal_stop.h"

#include <utility>

#include "core/logging.h"
#include "core/peer_wait.h"
#include "tidemill/engine.h"
#include "tidemill/job.h"

namespace tidemill {

SignalStop::SignalStop(std::shared_ptr<const Job> job)
    : job_(std::move(job)), thread_([this] { loop(); }) {}

SignalStop::~SignalStop() {
    {
        std::lock_guard lock(mutex_);
        ended_ = true;
    }
    changed_.notify_all();
    signals_.interrupt();
    thread_.join();
}

void SignalStop::started(Engine& engine) {
    std::lock_guard lock(mutex_);
    engine_ = &engine;
    changed_.notify_all();
}

core::Result<> SignalStop::finished() {
    std::unique_lock lock(mutex_);
    if (!stopping_) return {};
    changed_.wait(lock, [this] { return stopped_; });
    return result_;
}

void SignalStop::loop() {
    constexpr std::chrono::milliseconds kForEver{-1};
    while (signals_.wait(kForEver) == core::StopSignals::Request::kNone) {
        std::lock_guard lock(mutex_);
        if (ended_) return;
    }
    std::unique_lock lock(mutex_);
    if (ended_) return;
    if (engine_ == nullptr) {
        core::logInfo("stopping as soon as the start is done (a second signal stops at once)");
        core::limitPeerWaits(job_->graph, core::kPeerGrace);
        changed_.wait(lock, [this] { return engine_ != nullptr || ended_; });
        if (engine_ == nullptr) return;
    } else if (engine_->running()) {
        core::logInfo("stopping: processing what was received (a second signal stops at once)");
    } else {
        return;
    }
    stopping_ = true;
    lock.unlock();
    auto result = engine_->stop(true);
    lock.lock();
    result_ = std::move(result);
    stopped_ = true;
    changed_.notify_all();
    if (result_) core::logInfo("stopped");
}

}  // namespace tidemill
