// How a job runs: where, how often, and within which budgets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/file_system.h"
#include "core/time.h"

namespace tidemill {

struct ReplayOptions;

// What becomes of a record for which a function of map, filter, flatMap, mapValues or
// flatMapValues throws. Functions of other operations see many records: what they throw always ends
// the job.
enum class ErrorPolicy {
    kStop,  // the job ends with the error; nothing is lost, a mended program goes on from there
    kSkip,  // the record is left out; counted and logged
    kDeadLetter,  // the same, and it is written to a file before its batch is complete
};

struct StreamingOptions {
    // The job's name. A data directory remembers it and is refused to a job of another name unless
    // `adopt` is set. Empty: not asked for.
    std::string name;
    bool adopt = false;

    // Where the log, the state and the checkpoints live. Empty: in memory only, nothing survives.
    std::filesystem::path directory;

    // Length of a batch.
    Duration interval{1000};

    // Threads that process batches, at most 1024; 0: one per core.
    unsigned workers = 0;

    // A batch takes at most this much; the rest waits for the next one. More, from the log, when
    // the job needs to hold little of a batch in memory: see the guide on tuning.
    std::size_t maxBatchBytes = 256 << 20;

    // Received data in memory; when full, sockets are not read. 0: two batches.
    std::size_t receiveBudgetBytes = 0;

    // Received, durable and not yet in a batch: what goes beyond half of the receive budget waits
    // in the log only, and is read again when its batch runs, up to this much. 0: a quarter of what
    // is free on the disk, beyond its reserve, at the start.
    std::uint64_t maxBacklogBytes = 0;

    // A block, the unit in which one connection's records become durable.
    std::size_t blockBytes = 4 << 20;

    // Longer records are skipped and counted.
    std::size_t maxRecordBytes = 1 << 20;

    // Changes to state since the last checkpoint; when full, they are written out early.
    std::size_t deltaBudgetBytes = 256 << 20;

    // A key with its state, or with its value in a window; larger ones end the job with an error
    // that names state and key. At most 1 GiB.
    std::size_t maxStateRowBytes = std::size_t{1} << 30;

    // What divideMemory() made the budgets of memory fit into; for the status. 0: nothing.
    std::size_t memoryBytes = 0;

    // What remember() holds of a stream, about; beyond, its oldest batches are dropped.
    std::size_t maxRememberedBytes = 256 << 20;

    // RocksDB's cache of blocks read.
    std::size_t stateCacheBytes = 64 << 20;

    // A checkpoint is made when this much was logged or this much time has passed since the last,
    // whichever comes first. Zero turns a trigger off.
    std::size_t checkpointBytes = 256 << 20;
    Duration checkpointInterval{10000};

    // Size of a log segment; see docs/formats/wal.md.
    std::size_t segmentBytes = 64 << 20;

    // Bytes, and files (inodes), to leave free on the disk of `directory`: when less is free,
    // nothing is read from sockets until there is room again. 0: only a full disk counts. Not set:
    // two segments, two delta budgets or 5 % of the disk, whichever is most, at most a fifth of it,
    // to which segments and budgets are made to fit; 1,000 files or 5 %, at most a fifth.
    std::optional<std::uint64_t> diskReserveBytes;
    std::optional<std::uint64_t> diskReserveFiles;

    // Known sessions of acknowledged senders; a new name beyond is refused.
    std::size_t maxSessions = 100000;

    ErrorPolicy errorPolicy = ErrorPolicy::kStop;
    // For kDeadLetter: BATCH.jsonl, 20 digits, for each batch that has any, a JSON object a line:
    // {"batch":…,"time_ms":…,"operation":…,"kind":…,"record":…,"error":…}. Empty:
    // DIRECTORY/dead_letters. Kinds: core::RecordKind.
    std::filesystem::path deadLetterDirectory;
    // For kDeadLetter: so many records of a batch are kept; a last line of its file says how many
    // were not: {"batch":…,"time_ms":…,"not_kept":…}. They are in memory while the batch runs, 64
    // MiB of text at most: the more there may be, the less is kept of a long one.
    std::size_t maxDeadLetters = 10'000;

    // The batch that was recorded last may end the job again and again, because of a record for
    // which a function throws or crashes. So it is run once in another way; what it goes on without
    // becomes dead letters. Other batches are not touched: what is no longer to be skipped is
    // ignored.
    struct SkipRecord {
        std::uint64_t lsn = 0;   // of the block
        std::uint32_t line = 0;  // the record in it, from 1
    };
    std::vector<SkipRecord> skipRecords;
    std::uint64_t quarantineBatch = 0;  // without the records for which a function throws
    std::uint64_t skipBatch = 0;        // without all of its records

    // What the functions of the program are called, such as "2024-05-17". Change it when functions
    // change in a way that changes results: batches that were recorded under another version are
    // then not run again by this one; see docs/recovery.md.
    std::string version;

    // Start although the job's stateful operators do not match the directory; the state of those
    // that do not match is dropped.
    bool dropMismatchedState = false;

    // start() recovers what the directory holds, runs its recorded batches again, makes a
    // checkpoint behind the last one, and that is all: no output is opened or shown anything, no
    // peer is asked or told, nothing is received, and what waits in the log for a batch stays
    // there. For checks on a copy of a directory.
    bool replayOnly = false;
    // How, in other ways than that; see tidemill/replay_options.h. Null: as said.
    std::shared_ptr<const ReplayOptions> replay;

    // Time; null: the system's. Tests give a ManualClock.
    std::shared_ptr<core::Clock> clock;

    // All files: the data directory's, outputs and file sources; null: the machine's. Simulations
    // of a disk give their own, and `oneOrder`.
    std::shared_ptr<core::FileSystem> files;
    // Nothing runs beside a batch: checkpoints and the next log segment are made where they are
    // due and compactions never, so that one worker does all file operations in a fixed order.
    bool oneOrder = false;

    // Called with one line of progress while a start takes long. Null: a log line.
    std::function<void(const std::string&)> onProgress;
};

}  // namespace tidemill
