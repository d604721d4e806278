// One case of `tidemill test`: what comes in, batch by batch, and what is expected of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "tools/job_file.h"

namespace tidemill::tools {

// A directory:
//   batch-N/SOURCE.txt   lines that a batch takes from a source: its name, or source-2 for the
//                        second one; what is missing is empty
//   batches              how many batches run, when more than the highest N
//   expected/FILE        what outputs and state tables hold at the end
struct TestCase {
    std::string name;  // of the directory
    std::filesystem::path path;
    std::uint64_t batches = 0;
    // By source, in the job's order, and batch: lines.
    std::vector<std::vector<std::vector<std::string>>> inputs;
    // By file name.
    std::map<std::string, std::string> expected;
    bool hasExpected = false;
};

// "clicks", or "source-2" for one without a name.
std::string testNameOf(const JobFile& job, std::size_t source);

// The cases in the directory `path`, sorted by name; `path` itself when it is one. Errors:
// kNotFound when there is none, kInvalid for files that name no source of the job, batches that are no
// number from 1 to 100,000, and more than 1 GiB of input; kIo.
core::Result<std::vector<TestCase>> readTestCases(const JobFile& job,
                                                  const std::filesystem::path& path);

}  // namespace tidemill::tools
