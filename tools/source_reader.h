// One [[source]] of a job file.
#pragma once

#include "tidemill/streaming_context.h"
#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// What is wrong goes to the table's errors; a source is returned all the same, so that what follows
// can be judged. `job` has the sources before it, whose ports must differ.
SourceSpec readSource(TomlTable& table, const JobFile& job, JobFileErrors& errors);

// What a source that listens for text is made with.
ListenOptions listenOptionsOf(const SourceSpec& source);

}  // namespace tidemill::tools
