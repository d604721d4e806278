// Recovery: from what a data directory holds to a state and a log that go on. What is decided
// when: docs/recovery.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/batch_mark.h"
#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"
#include "core/file_system.h"
#include "recovery/data_directory.h"
#include "recovery/generations.h"
#include "recovery/log_index.h"
#include "recovery/log_start.h"
#include "recovery/log_writer.h"

namespace tidemill::recovery {

struct RecoverProgress {
    enum class Step { kScan, kCopy, kClone } step = Step::kScan;
    std::uint64_t doneBytes = 0;
    std::uint64_t totalBytes = 0;
};

// How the job that starts fits what the directory holds.
struct JobFit {
    // What the first batch behind the mark may be recorded with instead of the job's fingerprint;
    // 0: nothing else.
    std::uint64_t beginFingerprint = 0;
    // Its error ends recovery before anything is written.
    core::Result<> fits;
};

struct RecoverOptions {
    // Of the job that starts. Batches recorded by another one are not replayed: kConflict.
    std::uint64_t fingerprint = 0;
    // Of its operators; see BatchRecord. Batches recorded with others are not replayed (kConflict),
    // except the last one when it is `stoppedAt`.
    std::uint64_t steps = 0;
    // Batches recorded by whatever job are replayed.
    bool ofAnyJob = false;
    // The batch that ended the job before it came to its end; 0: none.
    core::BatchId stoppedAt;
    // Of a batch that is replayed, and of what waits for the next one, so many bytes are held in
    // memory; the rest is read when it is used.
    std::size_t blockBytesInMemory = 256 << 20;
    // Size of the log's segments, as the LogWriter will have it.
    std::uint64_t segmentBytes = 64 << 20;
    // Called once, when it is known which generation is used (none: no mark). May be null.
    std::function<JobFit(const std::optional<core::BatchMark>&)> fitJob;
    // For generations that are suspect; see Generations::verify.
    ReadsAll readsAll;
    // Called from time to time by recover(); must return quickly.
    std::function<void(const RecoverProgress&)> progress;
};

// What a job goes on with. Thread safety: worker-confined.
struct Recovered {
    // Of the generation that `work` is a clone of; none: the state is empty.
    std::optional<core::BatchMark> mark;
    std::optional<GenerationName> generation;
    // It was suspect, so every byte of it was read and found sound.
    bool readInFull = false;
    core::Path work;

    // Batches recorded after `mark`, in id order: to be replayed, output operations for the last
    // one only. Batch n's blocks are read with blocksOf().
    std::vector<core::BatchRecord> batches;

    // Of the last batch recorded, or `mark`'s.
    core::Boundary last;

    // Where lanes are by the frames above `mark`: to be merged with the positions in the state, of
    // which these are the newer ones, and given to LogWriter::open.
    core::LanePositions lanes;

    // For LogWriter::open; its `pending` are the blocks after endLsn.
    LogStart log;

    // What was logged as warnings, for tests: damage below what is needed, generations quarantined.
    std::vector<std::string> warnings;

    // The blocks that batches[index] owns, exact bytes, beside the receive budget; those beyond
    // `blockBytesInMemory` are in the log only.
    // Errors: kCorrupt, kIo.
    core::Result<std::vector<core::BlockPtr>> blocksOf(std::size_t index) const;

    LogIndex index;  // where the frames are
    core::FileSystem* files = nullptr;
    std::size_t blockBytesInMemory = 0;
};

// Brings `directory` to where the job goes on. Can be run again after being stopped at any point:
// it comes to the same state and the same frames, in an epoch of its own each time. Errors, with
// nothing changed: kCorrupt (what is needed is damaged or missing; says which LSNs), kConflict
// (batches of another job), that of JobFit; later: kIo, kNoSpace.
core::Result<Recovered> recover(DataDirectory& directory, const RecoverOptions& options);

}  // namespace tidemill::recovery
