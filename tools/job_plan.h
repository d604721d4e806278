// From a job file to streams: every step is the same operator that a C++ program would use.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tidemill/streaming_context.h"
#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

struct PlannedStep {
    std::string gives;   // "text", or its columns, "path text, n int"
    std::string became;  // of a query: the steps it was planned into, a line each
};
struct PlannedJob {
    std::vector<PlannedStep> steps;
};

// Adds the job's sources, steps and outputs to `context`. The streams in `sources` take the place
// of the sources of these names. Errors (kInvalid, all of them, each with its place in the file): a
// `from` that names nothing, a step that does not fit what it is given.
core::Result<PlannedJob> planJob(
    const JobFile& job, StreamingContext& context,
    const std::map<std::string, DStream<std::string_view>>& sources = {});

// The same of a job that has errors already: adds what else is wrong with it, as far as that can be
// said.
void addPlanErrors(const JobFile& job, JobFileErrors& errors);

}  // namespace tidemill::tools
