// How far the processed batches have taken each replayable source, as rows of the state.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "state/state_store.h"
#include "tidemill/job.h"

namespace tidemill {

// A row's key is the source's number in decimal digits and, behind a colon, the source's own key;
// without one when that is empty. Thread safety: worker-confined (the scheduler's thread). Errors:
// kIo, kNoSpace, kCorrupt.
class SourcePositions {
public:
    // Both must outlive this.
    SourcePositions(state::StateStore& store, const std::vector<SourceDeclaration>& sources);

    // The rows of every source that is replayable, by source.
    core::Result<std::vector<std::vector<core::SourcePosition>>> load();

    // Keeps what has changed for the sources. Called when a batch has run.
    core::Result<> keep();

private:
    state::StateTable& table_;
    const std::vector<SourceDeclaration>& sources_;
};

}  // namespace tidemill
