// The keys of a source of type "kinesis".
#pragma once

#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// What is wrong goes to `errors`. `jobName` is the application's, unless the table says another.
void readKinesisSource(TomlTable& table, const std::string& jobName, SourceSpec& source,
                       JobFileErrors& errors);

}  // namespace tidemill::tools
