// Runs a job on a case of `tidemill test`.
#pragma once

#include <map>
#include <string>

#include "core/error.h"
#include "tools/job_file.h"
#include "tools/testing/test_case.h"

namespace tidemill::tools {

// What the job's outputs and state tables hold at the end, by the name of the file that is expected
// of each: output-N.jsonl (.csv, .tsv, .txt: as the output writes), state-TABLE.jsonl and
// dead-letters.jsonl. What holds nothing has no file.
// The job runs on one worker, in a scratch directory and on a clock of its own, which begins at
// 2026-01-01T00:00:00Z; its sources give what the case says, and its outputs write nothing outside.
// Errors: what ends the job; kInvalid for a source that has more than lines (Kafka's columns).
core::Result<std::map<std::string, std::string>> runTestCase(const JobFile& job,
                                                             const TestCase& wanted);

}  // namespace tidemill::tools
