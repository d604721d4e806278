// What recovery does with the log, as a pure function of what it found. The table stands in
// docs/recovery.md and, row for row, in tests/recovery/decision_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/boundary.h"
#include "core/ids.h"
#include "recovery/log_index.h"

namespace tidemill::recovery {

struct RecordFacts {
    core::Boundary end;  // of its batch
    core::Lsn lsn;       // its own
    std::uint64_t fingerprint = 0;
    std::uint64_t steps = 0;
    std::uint32_t revision = 0;
};

struct RecoveryFacts {
    bool logStarted = false;  // FORMAT says that there is a log
    bool anySegment = false;
    bool anyGeneration = false;  // published ones, verifying or not
    bool generationChosen = false;
    core::Boundary generation;  // of the chosen one; before the first batch without
    core::Lsn logFirst;         // LSN the first segment begins with
    // Segments with a damaged header that may hold frames above generation.endLsn.
    std::vector<LsnRange> unreadable;
    // Frames generation.endLsn + 1 … gaplessLast are all there and valid; generation.endLsn when
    // the first is not.
    core::Lsn gaplessLast;
    // First valid frame after a gap behind gaplessLast; 0: none.
    core::Lsn beyondGap;
    // Highest LSN that a valid frame, a segment header or a generation's manifest calls durable.
    core::Lsn knownDurable;
    // The same by the witness beside the log (DURABLE); 0: it is missing or says nothing.
    core::Lsn witnessed;
    bool damageBelow = false;  // at or below generation.endLsn
    // Batch records above the generation's batch, in LSN order, among the gapless frames.
    std::vector<RecordFacts> records;
    // Of the job that starts; none: nobody starts, somebody only looks.
    std::optional<std::uint64_t> fingerprint;
    std::uint64_t steps = 0;  // likewise; see BatchRecord
    // What the first record may carry instead of `fingerprint`: it is of the batch in which new
    // operators took their initial states. 0: nothing else.
    std::uint64_t beginFingerprint = 0;
    // The batch that ended the job before it came to its end, by the file ATTEMPTS; 0: none.
    core::BatchId stoppedAt;
};

// With the rows of the table in docs/recovery.md.
enum class Verdict {
    kStartNew,            // D1: nothing here yet
    kResume,              // D9: every frame is known durable
    kResumeCopying,       // D10: frames after `durable` may be in the page cache only
    kRefuseLogMissing,    // D2
    kRefuseNoCheckpoint,  // D3: none verifies, and the log does not reach back to the beginning
    kRefuseBeginsLate,    // D4
    kRefuseUnreadable,    // D5: a needed segment's header is damaged
    kRefuseDamaged,       // D6: a needed frame at or below `durable` is damaged or missing
    kRefuseCutShort,      // D6a: the same, and only the witness knows that there was one
    kRefuseRecords,       // D7: batch records contradict each other or the generation
    kRefuseForeign,       // D8: batches of another job wait to be replayed
    kRefuseSteps,         // D8a: batches that were shown were recorded with other steps
};

const char* verdictName(Verdict verdict);

struct Decision {
    Verdict verdict = Verdict::kStartNew;
    // D: everything up to here was durable before this recovery began.
    core::Lsn durable;
    // The frames durable + 1 … keepLast go into the new segment; what is above is superseded.
    core::Lsn keepLast;
    // What is lost, for the refusals that can say it.
    std::optional<LsnRange> lost;
    std::string message;  // for refusals: what is wrong and what to do
    bool refused() const { return verdict >= Verdict::kRefuseLogMissing; }
};

Decision decide(const RecoveryFacts& facts);

}  // namespace tidemill::recovery
