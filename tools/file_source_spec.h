// The keys of a source of type "files".
#pragma once

#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// What is wrong goes to `errors`.
void readFileSource(TomlTable& table, SourceSpec& source, JobFileErrors& errors);

}  // namespace tidemill::tools
