// A source as the engine sees it, over its life. Two kinds differ in who keeps the bytes: a live
// one appends what arrives to the log, from threads of its own; a replayable one
// (replayable_source.h) is asked for ranges at batch times and can be asked for them again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/block.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/time.h"

namespace tidemill::core {

// Where a lane of a source is (core/lanes.h), for people and metrics.
struct LaneStatistics {
    std::string lane;
    std::string position;              // behind the last record taken, as its peer counts
    std::optional<std::uint64_t> lag;  // records that the peer has behind it; not known: nothing
    // By how much the last record taken is older than the peer's newest; of peers that say so.
    std::optional<std::uint64_t> lagMillis{};
};

// What a source has done since its start.
struct SourceStatistics {
    std::uint64_t bytes = 0;                // read
    std::uint64_t records = 0;              // handed to the log
    std::uint64_t oversize = 0;             // records skipped as longer than max_record_bytes
    std::uint64_t connections = 0;          // open now
    std::uint64_t connectionsTotal = 0;     // ever opened
    std::uint64_t connectionsRefused = 0;   // over a cap, or no descriptor was left
    std::uint64_t connectionsClosed = 0;    // closed by a limit: slow first or unfinished line
    std::uint64_t partialLinesDropped = 0;  // unfinished lines that do not count
    std::uint64_t resets = 0;               // connections ended by a reset or another error
    std::vector<LaneStatistics> lanes{};    // of sources that say how far they are behind
};

// How much a source under a rate may take until it is told anew. Both hold; what it is not limited
// by is kUnlimited.
struct Allowance {
    static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
    std::uint64_t records = kUnlimited;
    std::uint64_t bytes = kUnlimited;
};

// Told about sources, from their threads; must return quickly and not call the source.
class SourceObserver {
public:
    virtual ~SourceObserver() = default;
    virtual void sourceStarted(SourceId source, const std::string& where) = 0;
    // Something failed and the source goes on by itself: a lost connection, a refused one. After
    // kUntilRecovered nothing comes until sourceRecovered(): it tries again, see Backoff.
    enum class Trouble { kOver, kUntilRecovered };
    virtual void sourceError(SourceId source, const std::string& message, Trouble trouble) = 0;
    virtual void sourceRecovered(SourceId source) = 0;
    // The source cannot go on by itself: the job ends with this error, which says what to do.
    virtual void sourceFailed(SourceId source, Error error) = 0;
    virtual void sourceStopped(SourceId source, const std::string& why) = 0;
};

// How far a lane of a source was taken: what can be asked for again from a position, such as a
// file. The source's own encoding.
struct SourcePosition {
    std::string lane;
    std::string position;
    bool operator==(const SourcePosition&) const = default;
};

// What a source begins its life with.
struct SourceOpening {
    // The wall time of the data directory's first start, or of the first one with this source.
    BatchTime firstStart{};
    // Of a replayable source, as complete batches left it. Of a live one its lanes, as the log has
    // them at a start; later it asks BlockLog::position.
    std::vector<SourcePosition> positions;
};

// One life: open(), start(), any number of pause() and resume(), stop(). What fails in between and
// may work later is tried again for ever and reported; what needs a person ends the job. Thread
// safety: thread-safe, but open, start and stop are not called at the same time.
class Source {
public:
    virtual ~Source() = default;

    // Errors: kCorrupt, kUnsupported, kInvalid (positions that it cannot go on from).
    virtual Result<> open(const SourceOpening&) { return {}; }

    // Begins to take what comes. Errors: kInvalid for a wrong address, kIo when it cannot be had.
    virtual Result<> start() { return {}; }

    // Before the record of the batch of this time: appends what it holds open to the log. Quick; by
    // the scheduler's thread. Sources that share a service leave it to that.
    virtual void atBatchTime(BatchTime) {}

    // The batch that took these blocks, among which are those of other sources, is complete: a peer
    // that wants to know may be told. Quick; by the scheduler's thread, also behind stop().
    virtual void batchCompleted(std::span<const BlockPtr>) {}

    // Between the two nothing is taken, so that peers are pushed back; nothing is lost.
    virtual void pause() = 0;
    virtual void resume() = 0;

    // Whether allow() does anything: a live source that cannot have a rate says false.
    virtual bool canBeLimited() const { return false; }
    // For a live source under a rate, many times a second: it stops reading within a record of
    // this; one that counts only one of the two, of that.
    virtual void allow(const Allowance&) {}

    // Idempotent. After it returns nothing more is appended, except at batch times while waits().
    // Graceful: all whole records that were read are appended first, and acknowledged clients hear
    // the last `durable`, so the log must still be working. Else only what was appended before
    // remains.
    virtual void stop(bool graceful) = 0;

    // Behind a graceful stop(): the batches that come still take something.
    virtual bool waits() const { return false; }

    virtual SourceStatistics statistics() const = 0;
    // The same without what takes time to find out, such as lanes: asked for many times a second.
    virtual SourceStatistics counters() const { return statistics(); }
};

}  // namespace tidemill::core
