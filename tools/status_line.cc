#include "tools/status_line.h"

#include <fmt/format.h>

namespace tidemill::tools {
namespace {

double millis(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
}
double mebi(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

StatusLine::StatusLine(const StreamingContext& context)
    : context_(context), last_(context.status()), lastAt_(std::chrono::steady_clock::now()) {}

std::string StatusLine::next() {
    const auto now = context_.status();
    const auto at = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(at - lastAt_).count();
    std::string line = fmt::format(
        "status: batch {}, {:.0f} records/s, {:.2f} MB/s, delay {:.0f} ms, processing {:.0f} ms, "
        "receive {:.0f}/{:.0f} MiB, delta {:.0f}/{:.0f} MiB, log {:.0f} MiB, connections {}",
        now.batches.batch.value,
        static_cast<double>(now.batches.records - last_.batches.records) / seconds,
        static_cast<double>(now.batches.bytes - last_.batches.bytes) / 1e6 / seconds,
        millis(now.batches.schedulingDelay), millis(now.batches.processing), mebi(now.receiveBytes),
        mebi(now.receiveBudgetBytes), mebi(now.deltaBytes), mebi(now.deltaBudgetBytes),
        mebi(now.logBytes), now.connections);
    if (now.checkpointBatch)
        line += fmt::format(", checkpoint at batch {} {:.1f} s ago", *now.checkpointBatch,
                            millis(now.checkpointAge) / 1000);
    else line += ", no checkpoint yet";
    if (now.oversizeRecords != 0)
        line += fmt::format(", {} records skipped as too long", now.oversizeRecords);
    if (now.batches.clockBehind != Duration(0))
        line += fmt::format(", BATCH TIMES HOLD: the clock is {:.1f} s behind the last batch",
                            static_cast<double>(now.batches.clockBehind.count()) / 1000);
    for (std::size_t i = 0; i < now.sources.size(); ++i)
        if (now.sources[i].retrying)
            line += fmt::format(", SOURCE {} ({}) RETRIES: {}", i + 1, now.sources[i].description,
                                now.sources[i].lastError);
    if (now.spaceLow) line += ", DISK NEARLY FULL";
    last_ = now;
    lastAt_ = at;
    return line;
}

}  // namespace tidemill::tools
