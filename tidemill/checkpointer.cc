#include "tidemill/checkpointer.h"

#include <pthread.h>

#include "core/failpoint.h"
#include "core/own_thread.h"

namespace tidemill {

using core::Activity;
using core::ActivityScope;
using core::Result;

namespace {

constexpr std::chrono::seconds kUrgentEvery{1};

}  // namespace

Checkpointer::Checkpointer(CheckpointTriggers triggers, core::Clock& clock,
                           state::StateStore& store, recovery::Generations& generations,
                           core::BlockLog& log, std::function<core::Result<>()> stillOurs,
                           std::function<void(core::Error)> onFailure)
    : triggers_(triggers),
      clock_(clock),
      store_(store),
      generations_(generations),
      log_(log),
      stillOurs_(std::move(stillOurs)),
      onFailure_(std::move(onFailure)),
      loggedAtLast_(log.writtenBytes()),
      lastBegun_(clock.monotonic()) {
    status_.newestAt = lastBegun_;
    thread_ = std::thread([this] { loop(); });
    pthread_setname_np(thread_.native_handle(), "tm-checkpoint");
}

Checkpointer::~Checkpointer() { stop(); }

void Checkpointer::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Checkpointer::resume(std::optional<core::BatchId> newest) {
    std::lock_guard lock(mutex_);
    status_.newest = newest;
}

bool Checkpointer::due() const {
    const bool byBytes =
        triggers_.logBytes != 0 && log_.writtenBytes() - loggedAtLast_ >= triggers_.logBytes;
    const bool byTime =
        triggers_.interval.count() != 0 && clock_.monotonic() - lastBegun_ >= triggers_.interval;
    const bool byNeed = urgent_ != 0 && log_.writtenBytes() != loggedAtLast_ &&
                        clock_.monotonic() - lastBegun_ >= kUrgentEvery;
    return byBytes || byTime || byNeed || requested_ != begunFor_;
}

Result<> Checkpointer::atBoundary(const std::function<core::BatchMark()>& mark) {
    {
        std::lock_guard lock(mutex_);
        if (!outcome_) return outcome_;
        if (busy_) return {};
    }
    if (!due() && !store_.overBudget()) return {};
    begin(mark());
    TM_TRY(core::reachFailpoint("ckpt.afterFreeze"));
    return triggers_.besideBatches ? Result<>() : waitIdle();
}

void Checkpointer::begin(core::BatchMark mark) {
    loggedAtLast_ = log_.writtenBytes();
    lastBegun_ = clock_.monotonic();
    if (urgent_ != 0) --urgent_;
    begunFor_ = requested_;
    auto frozen = store_.freeze(mark);
    std::lock_guard lock(mutex_);
    order_ = Order{std::move(mark), std::move(frozen), begunFor_};
    busy_ = true;
    changed_.notify_all();
}

Result<> Checkpointer::waitIdle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    return outcome_;
}

Result<> Checkpointer::checkpointNow(const core::BatchMark& mark) {
    TM_TRY(waitIdle());
    if (status().newest == mark.batch) return {};
    begin(mark);
    return waitIdle();
}

void Checkpointer::loop() {
    const core::OwnThreadScope own;
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || order_; });
        if (!order_) return;
        Order order = std::move(*order_);
        order_.reset();
        lock.unlock();
        const auto result = make(std::move(order));
        if (!result) {
            store_.checkpointFailed(result.error());
            onFailure_(result.error());
        }
        lock.lock();
        if (!result) outcome_ = result;
        busy_ = false;
        changed_.notify_all();
    }
}

Result<> Checkpointer::make(Order order) {
    const ActivityScope activity(Activity::kCheckpoint);
    TM_TRY(stillOurs_());
    TM_ASSIGN(const auto ingestedBytes, store_.ingest(std::move(order.frozen)));
    TM_TRY(generations_.publish(order.mark,
                                [this](const core::Path& into) { return store_.linkInto(into); }));
    {
        std::lock_guard lock(mutex_);
        ++status_.made;
        status_.bytes += ingestedBytes;
        status_.answered = order.answers;
        status_.newest = order.mark.batch;
        status_.newestAt = clock_.monotonic();
    }
    TM_TRY(stillOurs_());
    TM_ASSIGN(const auto upTo, generations_.trimPoint());
    if (upTo.value != 0) TM_TRY(log_.trim(upTo));
    return generations_.removeOld();
}

Checkpointer::Status Checkpointer::status() const {
    std::lock_guard lock(mutex_);
    return status_;
}

}  // namespace tidemill
