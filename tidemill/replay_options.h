// What a job that only replays does in another way; see StreamingOptions::replayOnly.
#pragma once

#include <functional>
#include <span>

#include "core/batch_record.h"
#include "core/block.h"
#include "core/error.h"
#include "core/ids.h"

namespace tidemill {

namespace state {
class StateStore;
}

struct ReplayOptions {
    // The last batch that runs; 0: the last one recorded.
    core::BatchId to;
    // From this batch on the job's outputs run. They are not opened: give the job such as need not
    // be. 0: no batch.
    core::BatchId shownFrom;
    // Batches that another version of the job has recorded are run by this one too. Its sources
    // must be the same.
    bool otherJob = false;
    // False: no checkpoint is made in the end.
    bool keeps = true;
    // Called before each batch with its blocks; what it changes of the record counts. May be null.
    std::function<core::Result<>(core::BatchRecord&, std::span<const core::BlockPtr>)> before;
    // Called behind each batch, before its changes can be in a checkpoint. May be null.
    std::function<core::Result<>(const core::BatchRecord&, state::StateStore&)> after;
};

}  // namespace tidemill
