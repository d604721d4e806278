// From a job file to streams: every step is the same operator that a C++ program would use.
#pragma once

#include "core/error.h"
#include "tidemill/streaming_context.h"
#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// Adds the job's sources, steps and outputs to `context`. Errors (kInvalid, all of them, each with
// its place in the file): a `from` that names nothing, a step that does not fit what it is given.
core::Result<> planJob(const JobFile& job, StreamingContext& context);

// The same of a job that has errors already: adds what else is wrong with it, as far as that can be
// said.
void addPlanErrors(const JobFile& job, JobFileErrors& errors);

}  // namespace tidemill::tools
