#include "tidemill/disk_budget.h"

#include <algorithm>

namespace tidemill {
namespace {

constexpr std::uint64_t kSegmentBytesMin = 64 << 10;
constexpr std::uint64_t kDeltaBytesMin = 64 << 10;
constexpr std::uint64_t kFilesMin = 1000;
constexpr std::uint64_t kBacklogPart = 4;
// A block that waits in the log only still takes some hundred bytes of memory; the receive budget
// allows one for each of these.
constexpr std::size_t kReceivedPerWaitingBlock = 1 << 10;

std::string inWords(std::uint64_t bytes) {
    if (bytes >= std::uint64_t{10} << 30) return std::to_string(bytes >> 30) + " GiB";
    if (bytes >= std::uint64_t{1} << 20) return std::to_string(bytes >> 20) + " MiB";
    return std::to_string(bytes >> 10) + " KiB";
}

}  // namespace

std::size_t receiveBudget(const StreamingOptions& options) {
    return options.receiveBudgetBytes == 0 ? 2 * options.maxBatchBytes : options.receiveBudgetBytes;
}

DiskBudget fitToDisk(const StreamingOptions& options, const core::DiskSpace& disk) {
    DiskBudget budget;
    budget.segmentBytes = options.segmentBytes;
    budget.deltaBudgetBytes = options.deltaBudgetBytes;
    budget.checkpointBytes = options.checkpointBytes;
    const std::uint64_t fifth = disk.totalBytes / 5;
    if (options.diskReserveBytes) {
        budget.reserveBytes = *options.diskReserveBytes;
    } else {
        budget.reserveBytes = std::min(
            fifth, std::max<std::uint64_t>({2 * budget.segmentBytes, 2 * budget.deltaBudgetBytes,
                                            disk.totalBytes / 20}));
    }
    budget.backlogBytes =
        options.maxBacklogBytes != 0
            ? options.maxBacklogBytes
            : (disk.freeBytes - std::min(disk.freeBytes, budget.reserveBytes)) / kBacklogPart;
    budget.backlogBlocks = receiveBudget(options) / kReceivedPerWaitingBlock;
    budget.reserveFiles = options.diskReserveFiles.value_or(
        std::min(disk.totalFiles / 5, std::max(kFilesMin, disk.totalFiles / 20)));

    const auto shrink = [&](std::uint64_t& value, std::uint64_t to, const char* key) {
        if (value <= to) return;
        value = to;
        budget.shrunk +=
            (budget.shrunk.empty() ? "" : ", ") + std::string(key) + " to " + inWords(value);
    };
    const auto kibi = [](std::uint64_t bytes) { return bytes / 1024 * 1024; };
    shrink(budget.segmentBytes, std::max(kSegmentBytesMin, kibi(fifth / 2)), "segment_bytes");
    shrink(budget.deltaBudgetBytes, std::max(kDeltaBytesMin, kibi(fifth / 2)), "delta_budget");
    if (budget.checkpointBytes != 0)
        shrink(budget.checkpointBytes, std::max(budget.segmentBytes, kibi(fifth)),
               "[checkpoint] log_bytes");
    if (!budget.shrunk.empty())
        budget.shrunk = "the disk has " + inWords(disk.totalBytes) + ": " + budget.shrunk;
    return budget;
}

std::string describeSpace(const DiskBudget& budget, const core::DiskSpace& disk) {
    const bool files = disk.totalFiles != 0;
    const auto both = [&](std::uint64_t bytes, std::uint64_t count) {
        return inWords(bytes) + (files ? " and " + std::to_string(count) + " files" : "");
    };
    return both(disk.freeBytes, disk.freeFiles) + " are free of " +
           both(disk.totalBytes, disk.totalFiles) + "; " +
           both(budget.reserveBytes, budget.reserveFiles) +
           " are to stay free ([limits] disk_reserve" + (files ? " and disk_reserve_files" : "") +
           " in the job file, StreamingOptions::diskReserveBytes" +
           (files ? " and diskReserveFiles" : "") + ")";
}

}  // namespace tidemill
