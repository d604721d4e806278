// SIGINT and SIGTERM as the wish to end, for programs that end gracefully.
#pragma once

#include <optional>

namespace tidemill::core {

// While one lives, the first SIGINT or SIGTERM of the process is noted and wakes wait(); a second
// one ends the process where it stands, which the log makes safe. Signals within a moment of the
// first are the same wish: `timeout` and process groups send two at once. Whichever thread a signal
// is delivered to, it is noted, so that this may be made at any time; what was done on these signals
// before is restored with the last one. At most 16 at a time.
// Thread safety: thread-safe.
class HandledSignals {
public:
    // How the second signal ends the process: with this exit code, or by the signal itself.
    // Throws std::system_error when descriptors are used up, std::logic_error for the 17th.
    explicit HandledSignals(std::optional<int> exitCode = std::nullopt);
    ~HandledSignals();
    HandledSignals(const HandledSignals&) = delete;
    HandledSignals& operator=(const HandledSignals&) = delete;

    // Waits until a signal has come, at most `millis` (-1: for ever); true when one has, also
    // before the call. interrupt() ends a wait without one, once.
    bool wait(int millis);
    void interrupt();

    // A signal has come since the first of the living HandledSignals was made.
    static bool requested();

private:
    int place_ = 0;
    int descriptor_ = -1;
};

}  // namespace tidemill::core
