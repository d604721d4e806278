// How far a job has come in a Kafka cluster, as the last record of each of its transactions says,
// and what that means for the batch at hand. Format: docs/formats/kafka_progress.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result_mark.h"

namespace tidemill::outputs {

struct Progress {
    std::uint64_t batch = 0;     // committed with this record
    std::uint64_t previous = 0;  // the one before that sent something; 0: none
    std::uint64_t records = 0;   // of the batch
    std::uint64_t digest = 0;    // core::ResultMark::digest
    std::uint32_t revision = 0;
    std::uint64_t writer = 0;  // random, of the process
    bool operator==(const Progress&) const = default;
};

std::string encodeProgress(const Progress& progress);
// None: not what encodeProgress makes.
std::optional<Progress> parseProgress(std::string_view text);

// What must be known of the batch that is to be sent.
struct Sending {
    core::ResultMark mark;
    // The last batch before it that sent something, 0: none; unknown when this output was no part
    // of the job as the batch was recorded.
    std::optional<std::uint64_t> previous;
};

enum class Standing {
    kSend,     // the batch is not in the topics, and all before it are
    kDone,     // it is in the topics
    kNewer,    // the topics are ahead: the state is an older copy
    kMissing,  // what says that batches before it are in the topics is gone
    kForeign,  // another copy of the data directory has sent a batch of its own
};

// The decision; `found`: the last committed record of this data directory.
Standing standing(const std::optional<Progress>& found, const Sending& sending);

}  // namespace tidemill::outputs
