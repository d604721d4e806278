#include "tools/web/metrics.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemill::tools {
namespace {

using Json = nlohmann::ordered_json;
using Labels = std::vector<std::pair<std::string_view, std::string>>;

class Metrics {
public:
    explicit Metrics(std::string job) : job_(std::move(job)) {}

    // A family's head; its samples follow.
    Metrics& family(std::string_view name, std::string_view type, std::string_view unit,
                    std::string_view help) {
        name_ = name;
        suffix_ = type == "counter" ? "_total" : type == "info" ? "_info" : "";
        out_ += fmt::format("# TYPE {} {}\n", name, type);
        if (!unit.empty()) out_ += fmt::format("# UNIT {} {}\n", name, unit);
        out_ += fmt::format("# HELP {} {}\n", name, help);
        return *this;
    }

    Metrics& sample(double value, const Labels& labels = {}) {
        out_ += name_ + suffix_ + "{job_name=\"" + escaped(job_) + "\"";
        for (const auto& [label, text] : labels)
            out_ += fmt::format(",{}=\"{}\"", label, escaped(text));
        out_ += fmt::format("}} {}\n", value);
        return *this;
    }

    std::string text() && { return std::move(out_) + "# EOF\n"; }

private:
    static std::string escaped(std::string_view text) {
        std::string out;
        for (const char c : text) {
            if (c == '\\' || c == '"') out += '\\';
            if (c == '\n') out += "\\n";
            else out += c;
        }
        return out;
    }

    const std::string job_;
    std::string name_;
    std::string suffix_;
    std::string out_;
};

double number(const Json& json, const char* name) { return json.at(name).get<double>(); }

void addProcess(Metrics& metrics, const Json& report) {
    metrics.family("tidemill_build", "info", "", "The program.")
        .sample(1, {{"version", report.at("version").get<std::string>()}});
    metrics.family("tidemill_run_seconds", "gauge", "seconds", "Since the process started.")
        .sample(number(report, "runs_s"));
    metrics.family("tidemill_phase", "stateset", "", "What the process does.");
    for (const char* phase : {"starting", "running", "stopping"})
        metrics.sample(report.at("phase") == phase, {{"tidemill_phase", phase}});
    metrics.family("tidemill_health", "stateset", "",
                   "well; behind: works, later than it should; trouble: needs a person.");
    for (const char* health : {"well", "behind", "trouble"})
        metrics.sample(report.at("health") == health, {{"tidemill_health", health}});
}

void addBatches(Metrics& metrics, const Json& report) {
    const auto& batch = report.at("batch");
    metrics.family("tidemill_batches", "counter", "", "Batches complete since the start.")
        .sample(number(batch, "since_start"));
    metrics.family("tidemill_records", "counter", "", "Records that batches have taken.")
        .sample(number(batch, "records"));
    metrics.family("tidemill_record_bytes", "counter", "bytes", "Bytes that batches have taken.")
        .sample(number(batch, "bytes"));
    metrics
        .family("tidemill_processing_seconds", "counter", "seconds",
                "Time in which batches ran; its rate is the busy part of the time.")
        .sample(number(report, "processing_s"));
    metrics.family("tidemill_batch_interval_seconds", "gauge", "seconds", "A batch comes so often.")
        .sample(number(batch, "interval_ms") / 1e3);
    metrics
        .family("tidemill_batch_delay_seconds", "gauge", "seconds",
                "The newest batch: from due to begun.")
        .sample(number(batch, "waited_ms") / 1e3);
    metrics
        .family("tidemill_batch_processing_seconds", "gauge", "seconds",
                "The newest batch: from begun to complete.")
        .sample(number(batch, "processing_ms") / 1e3);
    metrics
        .family("tidemill_batch_age_seconds", "gauge", "seconds", "Since a batch became complete.")
        .sample(number(batch, "age_s"));
    metrics
        .family("tidemill_left_out_records", "counter", "",
                "Records left out under the job's error policy.")
        .sample(number(report, "left_out_records"));
}

void addStores(Metrics& metrics, const Json& report) {
    const auto& memory = report.at("memory");
    metrics.family("tidemill_resident_bytes", "gauge", "bytes", "Memory of the process.")
        .sample(number(memory, "resident_bytes"));
    if (memory.contains("budget_bytes"))
        metrics
            .family("tidemill_memory_budget_bytes", "gauge", "bytes",
                    "What the process is to stay within.")
            .sample(number(memory, "budget_bytes"));
    metrics.family("tidemill_receive_bytes", "gauge", "bytes", "Received and not yet processed.")
        .sample(number(memory, "receive_bytes"));
    metrics
        .family("tidemill_receive_budget_bytes", "gauge", "bytes",
                "From here on senders are held back.")
        .sample(number(memory, "receive_budget_bytes"));
    metrics
        .family("tidemill_delta_bytes", "gauge", "bytes",
                "Changes of state since the last checkpoint.")
        .sample(number(memory, "delta_bytes"));
    metrics
        .family("tidemill_delta_budget_bytes", "gauge", "bytes",
                "From here on they are written out early.")
        .sample(number(memory, "delta_budget_bytes"));
    metrics.family("tidemill_log_bytes", "gauge", "bytes", "Size of the write-ahead log.")
        .sample(number(report.at("log"), "bytes"));
    metrics.family("tidemill_log_written_bytes", "counter", "bytes", "Written to the log.")
        .sample(number(report.at("log"), "written_bytes"));
    metrics.family("tidemill_disk_nearly_full", "gauge", "", "1: sources do not take anything.")
        .sample(report.at("disk_nearly_full").get<bool>());
    const auto& checkpoint = report.at("checkpoint");
    metrics.family("tidemill_checkpoints", "counter", "", "Checkpoints made since the start.")
        .sample(number(checkpoint, "made"));
    if (checkpoint.contains("age_s"))
        metrics
            .family("tidemill_checkpoint_age_seconds", "gauge", "seconds",
                    "Since the newest checkpoint.")
            .sample(number(checkpoint, "age_s"));
    if (report.contains("replay_s"))
        metrics
            .family("tidemill_replay_seconds", "gauge", "seconds",
                    "About how long what is behind the newest checkpoint runs after a crash.")
            .sample(number(report, "replay_s"));
}

// The samples of one family over all sources.
void addOfSources(Metrics& metrics, const Json& sources, std::string_view name,
                  std::string_view type, std::string_view unit, std::string_view help,
                  const char* field) {
    metrics.family(name, type, unit, help);
    for (std::size_t i = 0; i < sources.size(); ++i)
        metrics.sample(number(sources[i], field),
                       {{"source", std::to_string(i + 1)},
                        {"description", sources[i].at("description").get<std::string>()}});
}

void addSources(Metrics& metrics, const Json& sources) {
    addOfSources(metrics, sources, "tidemill_source_records", "counter", "",
                 "Records handed to the log.", "records");
    addOfSources(metrics, sources, "tidemill_source_bytes", "counter", "bytes", "Bytes read.",
                 "bytes");
    addOfSources(metrics, sources, "tidemill_source_too_long_records", "counter", "",
                 "Records skipped as longer than max_record_bytes.", "too_long");
    addOfSources(metrics, sources, "tidemill_source_connections", "gauge", "",
                 "Connections that are open.", "connections");
    addOfSources(metrics, sources, "tidemill_source_errors", "counter", "",
                 "Errors after which the source went on by itself.", "errors");
    metrics.family("tidemill_source_retries", "gauge", "",
                   "1: the source has lost its peer and tries again.");
    for (std::size_t i = 0; i < sources.size(); ++i)
        metrics.sample(sources[i].at("retries").get<bool>(),
                       {{"source", std::to_string(i + 1)},
                        {"description", sources[i].at("description").get<std::string>()}});
    metrics.family("tidemill_source_paused", "gauge", "", "1: an operator has paused the source.");
    for (std::size_t i = 0; i < sources.size(); ++i)
        metrics.sample(sources[i].at("paused").get<bool>(),
                       {{"source", std::to_string(i + 1)},
                        {"description", sources[i].at("description").get<std::string>()}});
    metrics.family("tidemill_source_lag_records", "gauge", "",
                   "Records that the peer has behind the last one taken.");
    for (std::size_t i = 0; i < sources.size(); ++i)
        for (const auto& lane : sources[i].at("lanes"))
            if (lane.contains("lag_records"))
                metrics.sample(number(lane, "lag_records"),
                               {{"source", std::to_string(i + 1)},
                                {"lane", lane.at("lane").get<std::string>()}});
    metrics.family("tidemill_source_lag_seconds", "gauge", "seconds",
                   "By how much the last record taken is older than the peer's newest.");
    for (std::size_t i = 0; i < sources.size(); ++i)
        for (const auto& lane : sources[i].at("lanes"))
            if (lane.contains("lag_ms"))
                metrics.sample(number(lane, "lag_ms") / 1'000,
                               {{"source", std::to_string(i + 1)},
                                {"lane", lane.at("lane").get<std::string>()}});
}

void addOutputs(Metrics& metrics, const Json& outputs) {
    const auto labels = [&](std::size_t i) -> Labels {
        return {{"output", std::to_string(i + 1)},
                {"description", outputs[i].at("description").get<std::string>()}};
    };
    metrics.family("tidemill_output_waits", "gauge", "",
                   "1: the output waits for its peer, and batches wait for it.");
    for (std::size_t i = 0; i < outputs.size(); ++i)
        metrics.sample(outputs[i].at("waits").get<bool>(), labels(i));
    metrics.family("tidemill_output_wait_seconds", "gauge", "seconds",
                   "Since the output's peer was away; 0: it is not.");
    for (std::size_t i = 0; i < outputs.size(); ++i)
        metrics.sample(outputs[i].value("waits_s", 0.0), labels(i));
}

}  // namespace

std::string metricsText(const Json& report) {
    Metrics metrics(report.at("job").get<std::string>());
    addProcess(metrics, report);
    addBatches(metrics, report);
    addStores(metrics, report);
    addSources(metrics, report.at("sources"));
    addOutputs(metrics, report.at("outputs"));
    return std::move(metrics).text();
}

}  // namespace tidemill::tools
