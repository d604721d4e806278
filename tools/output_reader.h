// One [[output]] of a job file.
#pragma once

#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// What is wrong goes to the table's errors; an output is returned all the same, so that what
// follows can be judged. `job` has the outputs before it, whose places must differ.
OutputSpec readOutput(TomlTable& table, const JobFile& job, JobFileErrors& errors);

// A job must not read what it writes, nor write among its own state.
void checkOutputsLieApart(const JobFile& job, JobFileErrors& errors);

}  // namespace tidemill::tools
