// From a job file to streams: every step is the same operator that a C++ program would use.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "rows/row_stream.h"
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

// What a source or a step gives: one of the three.
struct PlannedStream {
    std::string key;    // its name; without one its kind and which of them it is: "split 1"
    std::string label;  // as messages call it: step 1 (split, "words")
    std::optional<DStream<std::string_view>> text;
    std::optional<DStream<std::pair<std::string_view, std::int64_t>>> counts;
    std::optional<rows::RowStream> rows;
};
// Called for each source and each step, in the order of the file. May be null.
using StreamObserver = std::function<void(const PlannedStream&)>;

// Adds the job's sources, steps and outputs to `context`. The streams in `sources` take the place
// of the sources of these names. Errors (kInvalid, all of them, each with its place in the file): a
// `from` that names nothing, a step that does not fit what it is given.
core::Result<PlannedJob> planJob(
    const JobFile& job, StreamingContext& context,
    const std::map<std::string, DStream<std::string_view>>& sources = {},
    const StreamObserver& observe = {});

// The same of a job that has errors already: adds what else is wrong with it, as far as that can be
// said.
void addPlanErrors(const JobFile& job, JobFileErrors& errors);

}  // namespace tidemill::tools
