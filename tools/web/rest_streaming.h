// What a job does, under the paths and fields of Spark's streaming REST interface, so that what
// reads that reads this: docs/openapi.yaml says what each field is here.
#pragma once

#include <string>
#include <vector>

#include "tidemill/options.h"
#include "tools/control/daemon_status.h"
#include "tools/web/batch_history.h"
#include "tools/web/router.h"

namespace tidemill::tools {

// All must outlive the routes, which answer from any thread.
std::vector<Route> streamingRoutes(const StreamingOptions& options, const DaemonStatus& status,
                                   const BatchHistory& batches);

// "there is no application …", for a name that is not the job's; none: it is.
std::optional<HttpResponse> otherApplication(const StreamingOptions& options,
                                             const RouteRequest& request);

}  // namespace tidemill::tools
