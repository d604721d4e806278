// What two runs of one job on the same lines hold in the end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"

namespace tidemill::tools {

// One table, in two runs.
struct ComparedTable {
    std::uint64_t rows = 0;          // different keys in both
    std::uint64_t differences = 0;   // rows that are not the same
    std::vector<std::string> first;  // of them: "- ROW" of the one, "+ ROW" of the other
    std::string timeBound;           // not empty: what it holds depends on time, and why
};

// The tables of the job's steps in the newest checkpoints of two data directories, by name. Errors:
// kNotFound (a directory without one), kIo, kCorrupt.
core::Result<std::map<std::string, ComparedTable>> compareStates(const std::string& before,
                                                                 const std::string& after);

// The lines that an output has written, each as often as it did, without the batch and the time that
// JSON lines begin with. Errors: kInvalid (more than 512 MiB of different lines), kIo.
using OutputLines = std::map<std::string, std::int64_t>;
core::Result<OutputLines> readOutput(const std::filesystem::path& directory);

struct ComparedLines {
    std::uint64_t lines = 0;    // of `before`
    std::uint64_t lost = 0;     // that `after` lacks
    std::uint64_t doubled = 0;  // that it has more often
    std::vector<std::string> first;
};
ComparedLines compareLines(const OutputLines& before, const OutputLines& after);

}  // namespace tidemill::tools
