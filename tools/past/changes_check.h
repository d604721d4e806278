// Whether batches that are run again change the state as they did the first time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/changes_of_batch.h"
#include "core/ids.h"
#include "tidemill/replay_options.h"

namespace tidemill::tools {

// A batch that has changed tables in another way than the record behind it says.
struct ChangedOtherwise {
    struct Table {
        core::TableChanges recorded, again;  // a table that was not changed has a count of 0
    };
    core::BatchId batch;
    std::vector<Table> tables;  // those that differ; ascending
};

// The tables in which both differ.
std::vector<ChangedOtherwise::Table> differentTables(const core::ChangesOfBatch& recorded,
                                                     const core::ChangesOfBatch& again);

// Looks on while a job replays: one object for one replay. Nothing is said of batches whose record
// has none behind it, or one that does not know. Thread safety: externally synchronized.
class ChangesCheck {
public:
    // For StreamingOptions::replay; the object must live as long as the job.
    std::shared_ptr<const ReplayOptions> options();

    // How many batches were compared.
    std::uint64_t compared() const { return compared_; }
    const std::optional<ChangedOtherwise>& first() const { return first_; }

private:
    void compare(const core::ChangesOfBatch& recorded);

    core::BatchId batch_;  // that ran last
    core::ChangesOfBatch again_{{}, true};
    std::uint64_t compared_ = 0;
    std::optional<ChangedOtherwise> first_;
};

}  // namespace tidemill::tools
