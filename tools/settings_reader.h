// The tables of a job file that stand there once: [job], [limits], [checkpoint], [page].
#pragma once

#include "tools/job_file.h"
#include "tools/toml_table.h"

namespace tidemill::tools {

// What is wrong goes to the table's errors.
void readJobSettings(TomlTable& table, JobFile& job, JobFileErrors& errors);
void readLimits(TomlTable& table, JobFile& job);
void readCheckpoint(TomlTable& table, JobFile& job);
void readPage(TomlTable& table, JobFile& job, JobFileErrors& errors);

}  // namespace tidemill::tools
