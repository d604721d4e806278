#include "tools/control/job_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tidemill::tools {
namespace {

using std::chrono::nanoseconds;

// From here on a budget is called full.
constexpr double kNearlyFull = 0.95;
// One batch that waited for the one before is nothing to speak of.
constexpr int kLateIntervals = 2;
// Nor one that takes some short intervals, while it runs.
constexpr std::chrono::seconds kWaitsAtLeast{1};

double millis(nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }
double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

class Judgement {
public:
    void say(Health health, std::string words) { found_.emplace_back(health, std::move(words)); }

    HealthReport report() && {
        std::stable_sort(found_.begin(), found_.end(),
                         [](const auto& a, const auto& b) { return a.first > b.first; });
        HealthReport report;
        for (auto& [health, words] : found_) {
            report.health = std::max(report.health, health);
            report.words.push_back(std::move(words));
        }
        return report;
    }

private:
    std::vector<std::pair<Health, std::string>> found_;
};

void judgeSources(Judgement& found, const EngineStatus& status) {
    for (std::size_t i = 0; i < status.sources.size(); ++i) {
        const auto& source = status.sources[i];
        if (source.paused)
            found.say(Health::kWell, fmt::format("source {} ({}) is paused by an operator: "
                                                 "tidemill resume {} goes on with it",
                                                 i + 1, source.description, i + 1));
        if (source.retrying)
            found.say(Health::kTrouble,
                      fmt::format("source {} ({}) has lost its peer and tries again: {}", i + 1,
                                  source.description, source.lastError));
    }
}

// In a start and in a stop too: the last batch waits there.
void judgeOutputs(Judgement& found, const EngineStatus& status) {
    for (std::size_t i = 0; i < status.outputs.size(); ++i) {
        const auto& output = status.outputs[i];
        if (output.waiting)
            found.say(
                Health::kTrouble,
                fmt::format("output {} ({}) waits for its peer for {:.0f} s now, and batches "
                            "wait for it: {}",
                            i + 1, output.description, seconds(output.waits), output.lastError));
    }
}

void judgeDelay(Judgement& found, const StreamingOptions& options, const StatusSample& then,
                const StatusSample& now) {
    const auto& batches = now.engine.batches;
    const nanoseconds interval = options.interval;
    const auto is = lateness(batches, interval);
    const auto was = lateness(then.engine.batches, interval);
    if (is.late < kLateIntervals * interval) return;
    if (is.late <= was.late)
        return found.say(
            Health::kBehind,
            fmt::format("catches up: the {} {:.1f} s late{}, after {:.1f} s",
                        is.nextIsLater ? "next batch is" : "last batch began", seconds(is.late),
                        is.nextIsLater ? " so far" : "", seconds(was.late)));
    if (is.nextIsLater)
        found.say(Health::kBehind,
                  fmt::format("falls behind: batch {} has run for {:.1f} s and is not done; one "
                              "comes every {:.0f} ms, and {} wait for it",
                              batches.running->batch.value, seconds(batches.running->sinceBegun),
                              millis(interval), is.waiting));
    else
        found.say(Health::kBehind,
                  fmt::format("falls behind: the last batch began {:.1f} s late, and it was {:.1f} "
                              "s before; a batch takes {:.0f} ms and comes every {:.0f} ms",
                              seconds(is.late), seconds(was.late), millis(batches.processing),
                              millis(interval)));
}

void judgeBudgets(Judgement& found, const EngineStatus& status) {
    if (status.spaceLow)
        found.say(Health::kTrouble,
                  "the disk is nearly full: nothing is read from sockets until there is room");
    if (static_cast<double>(status.receiveBytes) >
        kNearlyFull * static_cast<double>(status.receiveBudgetBytes))
        found.say(Health::kBehind,
                  "senders are held back: what was received fills its budget of memory");
    if (status.batches.clockBehind != Duration(0))
        found.say(Health::kBehind,
                  fmt::format("the clock is {:.1f} s behind the last batch: batch times hold until "
                              "it is there",
                              seconds(status.batches.clockBehind)));
}

void judgeCheckpoints(Judgement& found, const StreamingOptions& options,
                      const EngineStatus& status) {
    const nanoseconds interval = options.checkpointInterval;
    if (options.directory.empty() || interval.count() == 0 || status.batches.batches == 0) return;
    // A checkpoint waits for the end of a batch.
    const auto& running = status.batches.running;
    const auto longest = std::max<nanoseconds>({options.interval, status.batches.processing,
                                                running ? running->sinceBegun : nanoseconds()});
    const auto late = 5 * interval + 5 * longest;
    if (status.checkpointAge > late)
        found.say(Health::kBehind,
                  fmt::format("the last checkpoint is {:.1f} s old, and one is due every {:.3g} s",
                              seconds(status.checkpointAge), seconds(interval)));
}

}  // namespace

Lateness lateness(const core::BatchProgress& batches, nanoseconds interval) {
    if (!batches.running) return {batches.schedulingDelay, false, 0};
    const auto& running = *batches.running;
    const auto began = running.sinceDue - running.sinceBegun;
    const auto next = running.sinceDue - interval;
    const bool nextIsLater = next > began && next >= kWaitsAtLeast;
    return {nextIsLater ? next : began, nextIsLater,
            static_cast<std::uint64_t>(running.sinceDue / interval)};
}

HealthReport judge(Phase phase, const std::string& progress, const StreamingOptions& options,
                   const StatusSample& then, const StatusSample& now) {
    Judgement found;
    if (phase == Phase::kStarting)
        found.say(Health::kBehind, progress.empty() ? "starts" : "starts: " + progress);
    if (phase == Phase::kStopping)
        found.say(Health::kBehind, progress.empty() ? "stops: what was received is processed first"
                                                    : "stops: " + progress);
    judgeOutputs(found, now.engine);
    if (phase == Phase::kRunning) {
        judgeSources(found, now.engine);
        judgeDelay(found, options, then, now);
        judgeBudgets(found, now.engine);
        judgeCheckpoints(found, options, now.engine);
        if (now.engine.outputsOff)
            found.say(Health::kWell,
                      "its outputs are off: the data directory is a fork, and shows nothing");
    }
    auto report = std::move(found).report();
    if (report.words.empty())
        report.words.push_back(now.engine.batches.batches == 0
                                   ? "runs; no batch has come to its end so far"
                                   : "keeps up");
    return report;
}

}  // namespace tidemill::tools
