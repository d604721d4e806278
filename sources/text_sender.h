// The client of the acknowledged text protocol: sends the lines of a file or pipe to a session
// and does not rest until all of them are durable, however often either side goes away.
// Format: docs/formats/acknowledged_text.md.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "core/error.h"
#include "sources/record_assembler.h"

namespace tidemill::sources {

struct SendProgress {
    std::uint64_t linesSent = 0;     // the highest line number given to the socket
    std::uint64_t linesDurable = 0;  // the highest line number that the server has called durable
    std::uint64_t bytesSent = 0;     // over all connections
    std::uint64_t connections = 0;   // opened so far
    bool connected = false;
};

struct SendOptions {
    std::string host = "127.0.0.1";  // or "unix:PATH", without a port
    std::uint16_t port = 0;
    // 1 … 128 printable bytes without spaces; the sender's own, kept across its restarts.
    std::string session;
    // The input's first line is line N+1 behind the session's N, instead of line 1: for a pipe
    // whose beginning cannot be had again. Lines a dead sender held are gone.
    bool live = false;
    std::chrono::milliseconds retryPeriod{500};
    // Fail after so long without a connection; none: try for ever.
    std::optional<std::chrono::milliseconds> giveUpAfter;
    // Fail when a server that was reached says nothing to `session NAME` for so long: it may not
    // speak the protocol.
    std::chrono::milliseconds answerMax{30'000};
    // Bytes read from the input and not yet acknowledged; over it the input is not read.
    std::size_t unacknowledgedBytesMax = 64 << 20;
    // Sends no faster than this, on average over a connection; 0: as fast as it can.
    std::size_t bytesPerSecondMax = 0;
    // Speaks TLS, with a server whose certificate is one of this host and vouched for by those in
    // `caFile` (PEM), or by the system's when that is empty.
    bool tls = false;
    std::string caFile{};
    // Said before the session; empty: none.
    std::string token{};
    // Called from the sending thread, ten times a second at most, and once at the end.
    std::function<void(const SendProgress&)> onProgress;
    // What a person should know: connected, lost, resumed. One line without '\n'.
    std::function<void(const std::string&)> onNote;
};

// What became of the input, beside the number of its last line.
struct SendReport {
    // Lines that the server has skipped, as it said on this run: too long for it. Their numbers
    // count, they do not.
    std::set<LineRange> skipped;
    // A last line that an earlier run sent without a line end, or this one, and that has grown
    // since: what is durable is its beginning.
    std::optional<std::uint64_t> grownLine;
    // Another sender of the same name has taken the session.
    bool takenOver = false;

    std::uint64_t skippedLines() const;
    bool asInTheInput() const { return skipped.empty() && !grownLine; }
};

// Thread safety: run() is called once; stop() may be called from any thread or signal handler.
class TextSender {
public:
    explicit TextSender(SendOptions options);

    // Sends what `inputFd` gives until its end; a missing last '\n' is added. `inputFd` stays
    // open. Returns the number of the last line once everything up to it is durable; report() says
    // whether these are the lines of the input.
    // Errors: kInvalid (a wrong name, an input of fewer lines than the session has), kConflict
    // (the server said `error`, or the session is not ours alone), kIo (the input cannot be read or
    // has become shorter, no server within giveUpAfter, no answer within answerMax, or stopped).
    core::Result<std::uint64_t> run(int inputFd);

    // After run().
    const SendReport& report() const { return report_; }

    // Makes run() return an error soon.
    void stop() { stopped_.store(true, std::memory_order_relaxed); }

private:
    const SendOptions options_;
    SendReport report_;
    std::atomic<bool> stopped_{false};
};

}  // namespace tidemill::sources
