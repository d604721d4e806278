// How many lines of each acknowledged session the processed batches hold, as rows of the state:
// positions as at a boundary, never the log writer's present ones.
#pragma once

#include <cstdint>
#include <string>

#include "core/batch_run.h"
#include "core/error.h"
#include "recovery/log_writer.h"
#include "state/operators/state_views.h"
#include "state/state_store.h"

namespace tidemill {

// Thread safety: worker-confined (the scheduler's thread).
class SessionPositions {
public:
    explicit SessionPositions(state::StateStore& store);

    // All positions in the state.
    core::Result<recovery::SessionLines> load();

    // Moves the positions of the sessions whose blocks the batch owns.
    core::Result<> advance(const core::BatchRun& run);

private:
    state::StateTable& table_;
};

}  // namespace tidemill
