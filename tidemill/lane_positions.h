// How far the processed batches have taken each lane, as rows of the state: positions as at a
// boundary, never the log writer's present ones.
#pragma once

#include "core/batch_run.h"
#include "core/error.h"
#include "core/lanes.h"
#include "state/state_store.h"

namespace tidemill {

// Thread safety: worker-confined (the scheduler's thread).
class LanePositionsTable {
public:
    explicit LanePositionsTable(state::StateStore& store);

    // All positions in the state.
    core::Result<core::LanePositions> load();

    // Moves the positions of the lanes whose blocks the batch owns; the rows of those go that are
    // at their beginning again.
    core::Result<> advance(const core::BatchRun& run);

private:
    state::StateTable& table_;
};

}  // namespace tidemill
