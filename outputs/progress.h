// How far a job has come in a peer that keeps this with the job's results, and what that means for
// the batch at hand. Formats: docs/formats/kafka_progress.md, docs/formats/sql_progress.md.
#pragma once

#include <cstdint>
#include <optional>

#include "core/result_mark.h"

namespace tidemill::outputs {

struct Progress {
    std::uint64_t batch = 0;     // in the peer, with what says so
    std::uint64_t previous = 0;  // the one before that sent something; 0: none
    std::uint64_t records = 0;   // of the batch
    std::uint64_t digest = 0;    // core::ResultMark::digest
    std::uint32_t revision = 0;
    std::uint64_t writer = 0;  // random, of the process
    bool operator==(const Progress&) const = default;
};

// What must be known of the batch that is to be sent.
struct Sending {
    core::ResultMark mark;
    // The last batch before it that sent something, 0: none; unknown when this output was no part
    // of the job as the batch was recorded.
    std::optional<std::uint64_t> previous;
};

enum class Standing {
    kSend,     // the batch is not in the peer, and all before it are
    kDone,     // it is in the peer
    kNewer,    // the peer is ahead: the state is an older copy
    kMissing,  // what says that batches before it are in the peer is gone
    kForeign,  // another copy of the data directory has sent a batch of its own
};

// The decision; `found`: the progress of this data directory.
Standing standing(const std::optional<Progress>& found, const Sending& sending);

// A number for Progress::writer.
std::uint64_t randomWriter();

}  // namespace tidemill::outputs
