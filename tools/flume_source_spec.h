// The keys of a source of type "flume".
#pragma once

#include <cstddef>

#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// What is wrong goes to `errors`. A request must fit into `receiveBudget`.
void readFlumeSource(TomlTable& table, std::size_t receiveBudget, SourceSpec& source,
                     JobFileErrors& errors);

}  // namespace tidemill::tools
