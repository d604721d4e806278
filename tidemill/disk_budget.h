// How much of a disk is kept free, and how large segments and budgets may be on it.
#pragma once

#include <cstdint>
#include <string>

#include "core/file_system.h"
#include "tidemill/options.h"

namespace tidemill {

struct DiskBudget {
    // To be left free; below it sockets are not read.
    std::uint64_t reserveBytes = 0;
    std::uint64_t reserveFiles = 0;
    // The options' own, or less where the disk is small.
    std::uint64_t segmentBytes = 0;
    std::uint64_t deltaBudgetBytes = 0;
    std::uint64_t checkpointBytes = 0;
    // Of blocks that wait in the log, and how many.
    std::uint64_t backlogBytes = 0;
    std::size_t backlogBlocks = 0;
    // What was made smaller, for a line at the start; empty: nothing.
    std::string shrunk;
};

// Received data in memory: what the options say, or two batches.
std::size_t receiveBudget(const StreamingOptions& options);

// The reserve: what the options say; else two segments, two delta budgets or 5 % of the disk,
// whichever is most, and never more than a fifth of the disk, to which segments and budgets are
// made to fit. Likewise for files: 1,000 or 5 %, never more than a fifth.
DiskBudget fitToDisk(const StreamingOptions& options, const core::DiskSpace& disk);

// "70 MiB and 900 files are free of 400 MiB; 80 MiB and 1,000 files are to stay free": for
// messages.
std::string describeSpace(const DiskBudget& budget, const core::DiskSpace& disk);

}  // namespace tidemill
