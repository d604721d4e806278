// The signals that ask a process to end: SIGTERM and SIGINT; and SIGHUP, for those who take it.
#pragma once

#include <chrono>

namespace tidemill::core {

// While one lives, SIGTERM and SIGINT do not end the process, they are requests to read here. The
// first asks for a graceful stop. The same signal within a second is the same request: `timeout`
// and service managers send one to the process and to its group. A later one, or the other one, is
// a second request: to stop at once, which the log makes safe. Signals are seen whichever thread
// they are delivered to, so that this may be made at any time; what was done on them before is
// restored with the last one. At most 16 at a time. Thread safety: thread-safe.
class StopSignals {
public:
    struct Options {
        // A second request is reported by wait(), when any that lives says so; else it ends the
        // process by the signal itself.
        bool reportsSecond = false;
        // SIGHUP ends nothing: the log file is opened again, by who waits.
        bool logsHangUp = false;
    };

    // Unblocks what holdBack() blocked. Throws std::system_error when descriptors are used up,
    // std::logic_error for the 17th.
    StopSignals() : StopSignals(Options{}) {}
    explicit StopSignals(Options options);
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    enum class Request { kNone, kStop, kStopAtOnce };

    // The most that was asked for since the first of those that live was made; waits up to
    // `longest` (negative: for ever) while that is no more than `than`.
    Request wait(std::chrono::milliseconds longest, Request than = Request::kNone);
    // Ends a wait, once.
    void interrupt();

    // Blocks the three signals in the calling thread, to be called as the first thing in main():
    // those that come before a StopSignals is made wait for it.
    static void holdBack();
    // For a program that makes none after all: what came meanwhile takes effect.
    static void letThrough();

private:
    static void hangUp();

    const Options options_;
    int place_ = 0;
    int descriptor_ = -1;
};

}  // namespace tidemill::core
