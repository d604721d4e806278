// One [[step]] of a job file.
#pragma once

#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// What is wrong goes to the table's errors; a step is returned all the same, so that what follows
// can be judged.
StepSpec readStep(TomlTable& table, JobFileErrors& errors);

}  // namespace tidemill::tools
