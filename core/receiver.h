// A live input as the engine sees it: it cuts what arrives into blocks and appends them to the
// log, from threads of its own.
#pragma once

#include <cstdint>
#include <string>

#include "core/error.h"
#include "core/ids.h"

namespace tidemill::core {

// What a receiver has done since its start.
struct ReceiverStatistics {
    std::uint64_t bytes = 0;                // read
    std::uint64_t records = 0;              // handed to the log
    std::uint64_t oversize = 0;             // records skipped as longer than max_record_bytes
    std::uint64_t connections = 0;          // open now
    std::uint64_t connectionsTotal = 0;     // ever opened
    std::uint64_t connectionsRefused = 0;   // over a cap, or no descriptor was left
    std::uint64_t connectionsClosed = 0;    // closed by a limit: slow first or unfinished line
    std::uint64_t partialLinesDropped = 0;  // unfinished lines that do not count
    std::uint64_t resets = 0;               // connections ended by a reset or another error
};

// Told about receivers, from their threads; must return quickly and not call the receiver.
class ReceiverObserver {
public:
    virtual ~ReceiverObserver() = default;
    virtual void receiverStarted(SourceId source, const std::string& where) = 0;
    // Something failed and the receiver goes on by itself: a lost connection, a refused one.
    virtual void receiverError(SourceId source, const std::string& message) = 0;
    virtual void receiverStopped(SourceId source, const std::string& why) = 0;
};

// Thread safety: thread-safe, but start and stop are not called at the same time.
class Receiver {
public:
    virtual ~Receiver() = default;

    // Begins to receive. Errors: kInvalid for a wrong address, kIo when it cannot be had.
    virtual Result<> start() = 0;

    // Appends every open block that holds anything to the log before it returns. For the batch
    // time; quick. Where several receivers share a service, its own function does all in one hop.
    virtual void sealOpenBlocks() = 0;

    // Between the two nothing is read, so that peers are pushed back; nothing is lost.
    virtual void pause() = 0;
    virtual void resume() = 0;

    // Ends receiving; idempotent. After it returns nothing more is appended. Graceful: all whole
    // lines that were read are appended first, and acknowledged clients hear the last `durable`,
    // so the log must still be working. Else only what was appended before remains.
    virtual void stop(bool graceful) = 0;

    virtual ReceiverStatistics statistics() const = 0;
};

}  // namespace tidemill::core
