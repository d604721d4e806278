// How a job's stateful operators match those that a data directory knows.
#pragma once

#include <string>
#include <vector>

#include "core/batch_mark.h"
#include "core/error.h"
#include "tidemill/job.h"

namespace tidemill {

struct OperatorMatch {
    // For each of the job's states, in their order: the id it goes on under.
    std::vector<core::OperatorId> ids;
    // Likewise: whether the directory has no state of it.
    std::vector<bool> isNew;
    // What the directory will know from now on: the old ones, replaced ones and new ones, by id.
    std::vector<core::OperatorEntry> entries;
    // Of operators whose state is dropped because its signature differs.
    std::vector<core::OperatorId> dropped;
    // Error (kConflict): a signature differs, and its state is not to be dropped; the message lists
    // kept, new, orphaned and incompatible operators.
    core::Result<> fits;
};

// Matches by name. Operators of the directory that the job does not have are kept: an operator
// that comes back finds its state.
OperatorMatch matchOperators(const std::vector<core::OperatorEntry>& known,
                             const std::vector<StateDeclaration>& wanted, bool dropMismatched);

// A signature without its names=["…", …], which say what columns are called and may change at any
// time.
std::string withoutNames(const std::string& signature);

}  // namespace tidemill
