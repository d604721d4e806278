#include "tools/control/daemon_status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tools/control/shown_text.h"

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kKept{60};
constexpr std::chrono::seconds kRatesOver{10};
constexpr std::chrono::seconds kTrendOver{30};
constexpr std::size_t kErrorsShown = 10;
// From here on a budget is called full.
constexpr double kNearlyFull = 0.95;

double millis(nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }
double seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::uint64_t residentBytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    file >> pages >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

const char* nameOf(Phase phase) {
    switch (phase) {
        case Phase::kStarting: return "starting";
        case Phase::kRunning: return "running";
        case Phase::kStopping: return "stopping";
    }
    return "";
}

const char* nameOf(Health health) {
    switch (health) {
        case Health::kWell: return "well";
        case Health::kBehind: return "behind";
        case Health::kTrouble: return "trouble";
    }
    return "";
}

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
    const auto waited = batches.schedulingDelay;
    const auto before = then.engine.batches.schedulingDelay;
    const nanoseconds interval = options.interval;
    if (batches.batches == 0 || waited < 2 * interval) return;
    if (waited > before)
        found.say(Health::kBehind,
                  fmt::format("falls behind: the last batch began {:.1f} s late, and it was {:.1f} "
                              "s before; a batch takes {:.0f} ms and comes every {:.0f} ms",
                              seconds(waited), seconds(before), millis(batches.processing),
                              millis(interval)));
    else
        found.say(Health::kBehind,
                  fmt::format("catches up: the last batch began {:.1f} s late, after {:.1f} s",
                              seconds(waited), seconds(before)));
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
    const auto late =
        5 * interval + 5 * std::max<nanoseconds>(options.interval, status.batches.processing);
    if (status.checkpointAge > late)
        found.say(Health::kBehind,
                  fmt::format("the last checkpoint is {:.1f} s old, and one is due every {:.3g} s",
                              seconds(status.checkpointAge), seconds(interval)));
}

}  // namespace

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

DaemonStatus::DaemonStatus(const StreamingOptions& options, std::function<EngineStatus()> engine)
    : options_(options),
      engine_(std::move(engine)),
      startedAt_(std::chrono::system_clock::now()),
      started_(steady_clock::now()),
      batchAt_(started_) {}

void DaemonStatus::phase(Phase phase) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    batchAt_ = steady_clock::now();
    progress_.clear();
}

void DaemonStatus::progress(const std::string& line) {
    const std::lock_guard lock(mutex_);
    progress_ = line;
}

void DaemonStatus::sample() {
    StatusSample sample{steady_clock::now(), engine_()};
    const std::lock_guard lock(mutex_);
    if (sample.engine.batches.batches != batchesSeen_) {
        batchesSeen_ = sample.engine.batches.batches;
        batchAt_ = sample.at;
    }
    if (sample.engine.checkpoints != checkpointsSeen_) {
        checkpointsSeen_ = sample.engine.checkpoints;
        bytesAtCheckpoint_ = sample.engine.batches.bytes;
    }
    samples_.push_back(std::move(sample));
    while (samples_.size() > 2 && samples_.front().at < samples_.back().at - kKept)
        samples_.pop_front();
}

const StatusSample& DaemonStatus::before(std::chrono::seconds age) const {
    const auto until = steady_clock::now() - age;
    const auto later = std::find_if(samples_.begin(), samples_.end(),
                                    [&](const auto& sample) { return sample.at > until; });
    return later == samples_.begin() ? samples_.front() : *(later - 1);
}

namespace {

Json laneJson(const core::LaneStatistics& lane) {
    Json json;
    json["lane"] = shownText(lane.lane);
    json["position"] = shownText(lane.position);
    if (lane.lag) json["lag_records"] = *lane.lag;
    if (lane.lagMillis) json["lag_ms"] = *lane.lagMillis;
    return json;
}

Json sourceJson(const SourceStatus& source, const SourceStatus* then, double over) {
    const auto& numbers = source.statistics;
    Json json;
    json["description"] = shownText(source.description);
    json["label"] = shownText(source.label);
    json["records"] = numbers.records;
    json["bytes"] = numbers.bytes;
    if (then != nullptr && over > 0) {
        json["records_per_s"] =
            static_cast<double>(numbers.records - then->statistics.records) / over;
        json["bytes_per_s"] = static_cast<double>(numbers.bytes - then->statistics.bytes) / over;
    }
    json["too_long"] = numbers.oversize;
    json["connections"] = numbers.connections;
    json["connections_refused"] = numbers.connectionsRefused;
    json["errors"] = source.errors;
    json["last_error"] = shownText(source.lastError);
    json["retries"] = source.retrying;
    json["paused"] = source.paused;
    if (source.maxRate) json["max_rate"] = toString(*source.maxRate);
    Json lanes = Json::array();
    std::uint64_t lag = 0, lagMillis = 0;
    bool known = false, isTimed = false;
    for (const auto& lane : numbers.lanes) {
        lanes.push_back(laneJson(lane));
        if (lane.lag) lag += *lane.lag;
        known |= lane.lag.has_value();
        lagMillis = std::max(lagMillis, lane.lagMillis.value_or(0));
        isTimed |= lane.lagMillis.has_value();
    }
    if (known) json["lag_records"] = lag;
    if (isTimed) json["lag_ms"] = lagMillis;
    json["lanes"] = std::move(lanes);
    return json;
}

Json outputJson(const OutputStatus& output) {
    Json json{{"description", shownText(output.description)}, {"waits", output.waiting}};
    if (output.waiting) {
        json["waits_s"] = seconds(output.waits);
        json["attempts"] = output.attempts;
        json["last_error"] = shownText(output.lastError);
    }
    return json;
}

Json batchJson(const core::BatchProgress& batches, const StreamingOptions& options) {
    Json json;
    json["id"] = batches.batch.value;
    json["time_ms"] = toMillis(batches.time);
    json["interval_ms"] = options.interval.count();
    json["waited_ms"] = millis(batches.schedulingDelay);
    json["processing_ms"] = millis(batches.processing);
    json["since_start"] = batches.batches;
    json["records"] = batches.records;
    json["bytes"] = batches.bytes;
    return json;
}

Json errorsJson(const std::vector<SourceError>& errors) {
    Json list = Json::array();
    const auto begin = errors.size() - std::min(errors.size(), kErrorsShown);
    for (std::size_t i = begin; i < errors.size(); ++i)
        list.push_back({{"time_ms", toMillis(errors[i].time)},
                        {"source", shownText(errors[i].source)},
                        {"message", shownText(errors[i].message)}});
    return list;
}

}  // namespace

Json DaemonStatus::report() const {
    const StatusSample now{steady_clock::now(), engine_()};
    const std::lock_guard lock(mutex_);
    const auto& engine = now.engine;
    const bool sampled = !samples_.empty();
    const auto& then = sampled ? before(kRatesOver) : now;
    const auto health = judge(phase_, progress_, options_, sampled ? before(kTrendOver) : now, now);
    const double over = seconds(now.at - then.at);

    Json json;
    json["job"] = shownText(options_.name);
    json["version"] = TIDEMILL_VERSION;
    json["process"] = ::getpid();
    std::error_code unknown;
    json["data_dir"] = shownText(std::filesystem::absolute(options_.directory, unknown).string());
    json["started_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(startedAt_.time_since_epoch())
            .count();
    json["runs_s"] = seconds(now.at - started_);
    json["phase"] = nameOf(phase_);
    json["health"] = nameOf(health.health);
    json["words"] = Json::array();
    for (const auto& words : health.words) json["words"].push_back(shownText(words));
    json["batch"] = batchJson(engine.batches, options_);
    // To the second, since it is looked at so often.
    json["batch"]["age_s"] =
        engine.batches.batches == batchesSeen_ ? seconds(now.at - batchAt_) : 0.0;
    json["processing_s"] = seconds(engine.batches.processingTotal);
    if (over > 0) {
        const auto& last = then.engine.batches;
        json["rates"] = {
            {"over_s", over},
            {"batches_per_s", static_cast<double>(engine.batches.batches - last.batches) / over},
            {"records_per_s", static_cast<double>(engine.batches.records - last.records) / over},
            {"bytes_per_s", static_cast<double>(engine.batches.bytes - last.bytes) / over},
            {"busy", seconds(engine.batches.processingTotal - last.processingTotal) / over}};
    }
    json["memory"] = {{"resident_bytes", residentBytes()},
                      {"receive_bytes", engine.receiveBytes},
                      {"receive_budget_bytes", engine.receiveBudgetBytes},
                      {"delta_bytes", engine.deltaBytes},
                      {"delta_budget_bytes", engine.deltaBudgetBytes}};
    if (options_.memoryBytes != 0) json["memory"]["budget_bytes"] = options_.memoryBytes;
    json["log"] = {{"bytes", engine.logBytes}, {"written_bytes", engine.logWrittenBytes}};
    Json checkpoint{{"made", engine.checkpoints},
                    {"bytes", engine.checkpointBytes},
                    {"answered", engine.checkpointsAnswered}};
    if (engine.checkpointBatch) {
        checkpoint["batch"] = *engine.checkpointBatch;
        checkpoint["age_s"] = seconds(engine.checkpointAge);
    }
    json["checkpoint"] = std::move(checkpoint);
    // As fast as batches ran since the start; opening the state comes on top.
    const auto behind = engine.batches.bytes - std::min(engine.batches.bytes, bytesAtCheckpoint_);
    if (engine.batches.bytes != 0)
        json["replay_s"] = seconds(engine.batches.processingTotal) * static_cast<double>(behind) /
                           static_cast<double>(engine.batches.bytes);
    json["left_out_records"] = engine.failedRecords;
    json["disk_nearly_full"] = engine.spaceLow;
    json["outputs_off"] = engine.outputsOff;
    json["sources"] = Json::array();
    for (std::size_t i = 0; i < engine.sources.size(); ++i)
        json["sources"].push_back(
            sourceJson(engine.sources[i],
                       i < then.engine.sources.size() ? &then.engine.sources[i] : nullptr, over));
    json["outputs"] = Json::array();
    for (const auto& output : engine.outputs) json["outputs"].push_back(outputJson(output));
    json["errors"] = errorsJson(engine.sourceErrors);
    return json;
}

}  // namespace tidemill::tools
