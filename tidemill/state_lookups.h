// Reads keys of the state of a job that runs, at the boundary behind a batch: what the last complete
// batch left, not only what a checkpoint holds.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/boundary.h"
#include "core/error.h"

namespace tidemill {

struct Job;
struct RunningJob;

// A key of a state at a boundary.
struct StateAtBoundary {
    core::Boundary boundary;
    // As the state's codec wrote it; none: the state has no such key.
    std::optional<std::string> value;
};

// Thread safety: thread-safe, but atBoundary() is called by the thread that runs batches.
class StateLookups {
public:
    static constexpr std::size_t kWaitingMost = 256;

    using Done = std::function<void(core::Result<StateAtBoundary>)>;

    // Looks `key`, as the state's codec writes it, up in the state of this name when the batch that
    // runs, or the next one, is complete, and calls done(), which must be quick. Errors: kInvalid, a
    // name that the job does not have; kConflict, when too many wait, or behind end().
    core::Result<> ask(const Job& job, const std::string& state, std::string key, Done done);

    // Answers all that wait.
    void atBoundary(RunningJob& parts);

    // The job has ended: who waits gets kConflict. Idempotent.
    void end();

private:
    struct Waiting {
        std::size_t state = 0;  // its place among the job's
        std::string key;
        Done done;
    };
    static core::Result<StateAtBoundary> lookUp(const Waiting& waiting, RunningJob& parts);

    std::mutex mutex_;
    std::deque<Waiting> waiting_;
    bool ended_ = false;
};

}  // namespace tidemill
