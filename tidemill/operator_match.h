// How a job's stateful operators match those that a data directory knows.
#pragma once

#include <string>
#include <vector>

#include "core/batch_mark.h"
#include "core/error.h"
#include "tidemill/job.h"

namespace tidemill {

// What becomes of one operator's state.
struct StateFate {
    enum class Kind {
        kKept,
        kNew,
        kIncompatible,  // the directory holds something else under its name
        kUnclear,       // which of several it is cannot be told
        kOrphaned,      // of the directory; the job has no such operator
    };
    Kind kind = Kind::kKept;
    std::string name;
    std::string detail;  // types, and what is wrong; for people
};
// "kept", "new", "incompatible", "unclear", "orphaned".
const char* nameOf(StateFate::Kind kind);

struct OperatorMatch {
    // For each of the job's states, in their order: the id it goes on under.
    std::vector<core::OperatorId> ids;
    // Likewise: whether the directory has no state of it.
    std::vector<bool> isNew;
    // What the directory will know from now on: the old ones, replaced ones and new ones, by id.
    std::vector<core::OperatorEntry> entries;
    // Of operators whose state is dropped because its signature differs.
    std::vector<core::OperatorId> dropped;
    // Of the job's states in their order, then those of the directory alone.
    std::vector<StateFate> fates;
    // Error (kConflict): a signature differs, or which of several an operator without a name is
    // cannot be told, and no state is to be dropped; the message lists kept, new, orphaned,
    // incompatible and unclear operators.
    core::Result<> fits;
};

// Matches by name, and those without a name by what their input is made of (lineage.h): first all
// of it, then its sources and states; or else one that is the only one of its kind and types.
// Operators of the directory that the job does not have are kept: an operator that comes back finds
// its state.
OperatorMatch matchOperators(const std::vector<core::OperatorEntry>& known, const Job& job,
                             bool dropMismatched);

// A signature without its names=["…", …], which say what columns are called and may change at any
// time.
std::string withoutNames(const std::string& signature);

}  // namespace tidemill
