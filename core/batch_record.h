// The record of a batch: all that a re-run of it needs beside the blocks it owns (invariant I4).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/boundary.h"
#include "core/ids.h"
#include "core/skipped_elements.h"

namespace tidemill::core {

// Where a partition begins: a record boundary in the batch's `block`-th block (from 0, LSN order).
struct CutPoint {
    std::uint32_t block = 0;
    std::uint32_t offsetBytes = 0;
    auto operator<=>(const CutPoint&) const = default;
};

// What a replayable source (files) contributes; the bytes are that source's own encoding.
struct SourceRange {
    SourceId source;
    std::string bytes;
    bool operator==(const SourceRange&) const = default;
};

// What an output wants to know when the batch is run again; the bytes are its own encoding.
struct OutputNote {
    std::uint32_t output = 0;  // OutputOperation::number
    std::string bytes;
    bool operator==(const OutputNote&) const = default;
};

// A record of a block: by number within the block, the first is 1.
struct RecordPlace {
    Lsn lsn;
    std::uint32_t line = 0;
    auto operator<=>(const RecordPlace&) const = default;
};

// What becomes of a record whose function throws.
enum class OnError : std::uint8_t {
    kStop,        // it ends the job
    kSkip,        // it is left out, counted and logged
    kDeadLetter,  // the same, and it is written to a file
};

// The boundary is the one that the batch ends at: batch n owns exactly the data frames with
// endLsn of batch n - 1 < LSN <= endLsn.
struct BatchRecord : Boundary {
    // Starts of the partitions, ascending; the first is {0, 0}. Empty for a batch without blocks.
    std::vector<CutPoint> cuts;
    // Key-group ranges after a shuffle. Fixed here because they can change the order in which
    // doubles are added.
    std::uint32_t keyRanges = 0;
    std::vector<SourceRange> ranges;
    std::uint64_t fingerprint = 0;
    // Of all operators, as far as they can be compared; see Job::steps in tidemill/job.h.
    std::uint64_t steps = 0;
    OnError onError = OnError::kStop;
    // Random: tells this batch from one of the same number in another copy of the data directory.
    std::uint64_t nonce = 0;
    // 0; grows when a batch that ended the job is recorded anew to be run in another way.
    std::uint32_t revision = 0;
    // Records of its blocks that it does without because a start was told so (--skip-record);
    // ascending. They are dead letters.
    std::vector<RecordPlace> skippedByOption;
    // It does without all of its records (--skip-batch).
    bool allSkippedByOption = false;
    // By output, ascending; of those that have any.
    std::vector<OutputNote> notes;
    // What failed in the batch before and was left out because functions threw: a re-run of that
    // one leaves out the same.
    SkippedOfBatch failedBefore;
    bool operator==(const BatchRecord&) const = default;
};

// What the batch reads of a replayable source, empty when nothing.
inline std::string_view rangeOf(const BatchRecord& record, SourceId source) {
    if (record.allSkippedByOption) return {};
    for (const auto& range : record.ranges)
        if (range.source == source) return range.bytes;
    return {};
}

// What the record keeps for an output, empty when nothing.
inline std::string_view noteOf(const BatchRecord& record, std::uint32_t output) {
    for (const auto& note : record.notes)
        if (note.output == output) return note.bytes;
    return {};
}

}  // namespace tidemill::core
