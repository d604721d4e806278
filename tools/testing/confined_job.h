// A job whose results nobody outside sees.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "tools/job_file.h"

namespace tidemill::tools {

// "output-1" for the first one, number 0.
std::string outputName(std::size_t number);

// All outputs write files into `scratch`/output-N: CSV, TSV and text as they are told, the others
// lines of JSON. Dead letters go to the data directory, which is `scratch`/data; there is no page,
// and no source is held to a rate.
JobFile confined(JobFile job, const std::filesystem::path& scratch);

}  // namespace tidemill::tools
