// The signals that ask a process to end: SIGTERM, SIGINT and SIGHUP.
#pragma once

#include <chrono>

namespace tidemill {

// While one exists, SIGTERM and SIGINT do not end the process, they are requests to read here, and
// SIGHUP is a line in the log. The first request asks for a graceful stop. The same signal within a
// second is the same request: `timeout` and service managers send one to the process and to its
// group. A later one, or the other one, asks to stop at once. Whatever the process did about these
// signals before is restored at the end. One at a time. Thread safety: thread-safe; made by one
// thread, before or after others.
class StopSignals {
public:
    // Throws std::logic_error when there is one already.
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    enum class Request { kNone, kStop, kStopAtOnce };

    // The most that was asked for so far; waits up to `longest` while that is no more than `than`.
    Request wait(std::chrono::milliseconds longest, Request than = Request::kNone);

    // Blocks the three signals in the calling thread, to be called as the first thing in main():
    // those that come before a StopSignals is made wait for it, which unblocks them.
    static void holdBack();
    // For a program that makes none after all: what came meanwhile takes effect.
    static void letThrough();
};

}  // namespace tidemill
