#include "tidemill/checkpointer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "core/failpoint.h"
#include "core/logging.h"
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
      savepoints_(generations.files(), generations.dataDirectory()),
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
    making_ = std::exchange(wanted_, {});
    order_ = Order{std::move(mark), std::move(frozen), begunFor_, making_};
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
    {
        std::lock_guard lock(mutex_);
        if (status_.newest == mark.batch && wanted_.empty()) return {};
    }
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
    TM_ASSIGN(const auto published,
              generations_.publish(
                  order.mark, [this](const core::Path& into) { return store_.linkInto(into); }));
    for (const auto& name : order.savepoints) keep(name, published);
    {
        std::lock_guard lock(mutex_);
        making_.clear();
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

Result<std::uint64_t> Checkpointer::requestSavepoint(std::string name) {
    TM_TRY(savepoints_.mayMake(name));
    std::lock_guard lock(mutex_);
    for (const auto* const names : {&wanted_, &making_})
        if (std::find(names->begin(), names->end(), name) != names->end())
            return core::fail(core::ErrorKind::kConflict,
                              "the savepoint \"" + name + "\" is being made already");
    if (wanted_.size() >= recovery::kSavepointsMax)
        return core::fail(core::ErrorKind::kConflict,
                          std::to_string(wanted_.size()) + " savepoints wait to be made already");
    wanted_.push_back(std::move(name));
    return ++requested_;
}

// One that cannot be made is no reason to end: the checkpoint itself is there.
void Checkpointer::keep(const std::string& savepoint, const recovery::GenerationName& generation) {
    const auto made = savepoints_.make(savepoint, generations_.pathOf(generation));
    if (made)
        core::logInfo("savepoint \"" + savepoint + "\" of batch " + toString(generation.batch));
    else
        core::logError("the savepoint \"" + savepoint +
                       "\" could not be made, and the job goes on: " + made.error().message);
}

Checkpointer::Status Checkpointer::status() const {
    std::lock_guard lock(mutex_);
    return status_;
}

}  // namespace tidemill
