// tidemill run --check --connect.
#pragma once

#include <memory>

#include "tidemill/job.h"
#include "tools/job_file.h"

namespace tidemill::tools {

// Asks the peers of the job and says what they said, for people or a JSON object a line. The
// directory of `job` is the one that a start would use. Returns the program's exit code; ends the
// process itself when a peer keeps a thread.
int checkPeers(const JobFile& job, const std::shared_ptr<Job>& declared, bool json);

}  // namespace tidemill::tools
