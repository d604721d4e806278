// Makes checkpoints while processing goes on: freezes the changes at a boundary, and on a thread
// of its own ingests them, links a generation, publishes it, and only then trims the log.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/batch_mark.h"
#include "core/block_log.h"
#include "core/clock.h"
#include "core/error.h"
#include "recovery/generations.h"
#include "recovery/savepoints.h"
#include "state/state_store.h"

namespace tidemill {

struct CheckpointTriggers {
    std::uint64_t logBytes = 0;           // 0: never by bytes
    std::chrono::nanoseconds interval{};  // 0: never by time
    bool besideBatches = true;            // false: a batch waits until the checkpoint is made
};

// Thread safety: the scheduler's thread calls atBoundary and checkpointNow; status is thread-safe.
class Checkpointer {
public:
    // `stillOurs` is asked before anything is written: whether the data directory is still ours.
    // `onFailure` is called from the checkpoint's thread when one fails; the job must end then.
    Checkpointer(CheckpointTriggers triggers, core::Clock& clock, state::StateStore& store,
                 recovery::Generations& generations, core::BlockLog& log,
                 std::function<core::Result<>()> stillOurs,
                 std::function<void(core::Error)> onFailure);
    ~Checkpointer();

    // At the boundary that `mark` describes: begins a checkpoint when one is due and none is under
    // way, or when the delta is over its budget.
    core::Result<> atBoundary(const std::function<core::BatchMark()>& mark);

    // Makes a checkpoint at this boundary and returns when it is published. Nothing when the
    // newest one is at this boundary already, unless a savepoint is wanted.
    core::Result<> checkpointNow(const core::BatchMark& mark);

    // The disk is nearly full: the next boundaries make checkpoints, so that the log can be
    // trimmed. Thread-safe.
    void hurry() { urgent_ = kUrgentCheckpoints; }

    // The next boundary makes a checkpoint, due or not. Returns the number that Status::answered
    // reaches when it is published. Thread-safe.
    std::uint64_t request() { return ++requested_; }

    // The same, and the checkpoint stays as a savepoint of this name. When the number is reached,
    // the savepoint is there, or the log says why it could not be made; the job goes on then.
    // Errors: of Savepoints::mayMake(); kConflict, one of this name is asked for already.
    core::Result<std::uint64_t> requestSavepoint(std::string name);

    // Ends the thread, when what is under way is done. status() goes on to answer.
    void stop();

    // What recovery started from, so that an unchanged boundary is not written again.
    void resume(std::optional<core::BatchId> newest);

    struct Status {
        std::uint64_t made = 0;
        std::uint64_t bytes = 0;
        std::uint64_t answered = 0;  // the newest request that a published one has answered
        std::optional<core::BatchId> newest;
        std::chrono::nanoseconds newestAt{};  // by the monotonic clock
    };
    Status status() const;

private:
    // The log is trimmed to the older of two generations.
    static constexpr int kUrgentCheckpoints = 2;

    struct Order {
        core::BatchMark mark;
        state::FrozenDelta frozen;
        std::uint64_t answers = 0;  // requests up to this one
        std::vector<std::string> savepoints;
    };

    bool due() const;
    void begin(core::BatchMark mark);
    core::Result<> waitIdle();
    void loop();
    core::Result<> make(Order order);
    void keep(const std::string& savepoint, const recovery::GenerationName& generation);

    const CheckpointTriggers triggers_;
    core::Clock& clock_;
    state::StateStore& store_;
    recovery::Generations& generations_;
    recovery::Savepoints savepoints_;
    core::BlockLog& log_;
    const std::function<core::Result<>()> stillOurs_;
    const std::function<void(core::Error)> onFailure_;

    std::atomic<int> urgent_ = 0;
    std::atomic<std::uint64_t> requested_ = 0;
    std::uint64_t begunFor_ = 0;  // the newest request that a checkpoint was begun for
    std::uint64_t loggedAtLast_ = 0;
    std::chrono::nanoseconds lastBegun_{};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Order> order_;
    std::vector<std::string> wanted_;  // savepoints of the next checkpoint
    std::vector<std::string> making_;  // of the one under way
    bool busy_ = false;
    bool stopping_ = false;
    core::Result<> outcome_;
    Status status_;
    std::thread thread_;
};

}  // namespace tidemill
