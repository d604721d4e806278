// How far the processed batches have taken each replayable source, as rows of the state.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "state/state_store.h"
#include "tidemill/job.h"

namespace tidemill {

// Thread safety: worker-confined (the scheduler's thread). Errors: kIo, kNoSpace, kCorrupt.
class SourcePositions {
public:
    // Both must outlive this.
    SourcePositions(state::StateStore& store, const std::vector<SourceDeclaration>& sources);

    // Gives every source the position that the state holds.
    core::Result<> restore();

    // Keeps the sources' present positions. Called when a batch has run.
    core::Result<> keep();

private:
    state::StateTable& table_;
    const std::vector<SourceDeclaration>& sources_;
    std::map<std::string, std::string> kept_;  // by row key: the source's number
};

}  // namespace tidemill
