// The state and the checkpoints of a job, read from its data directory.
#pragma once

#include <vector>

#include "tidemill/options.h"
#include "tools/web/router.h"

namespace tidemill::tools {

// Rows of the newest checkpoint. Answers are bounded: in rows, in bytes, and in the time that a
// search takes. `options` must outlive the routes, which answer from any thread; what reads the
// disk is an HttpLater.
std::vector<Route> stateRoutes(const StreamingOptions& options);

}  // namespace tidemill::tools
