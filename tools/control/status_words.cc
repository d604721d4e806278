#include "tools/control/status_words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace tidemill::tools {

std::string spanInWords(double seconds) {
    const auto whole = static_cast<std::int64_t>(seconds);
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    if (whole < 120) return fmt::format("{} s", whole);
    if (whole < 2 * 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
    if (whole < 2 * 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
    return fmt::format("{} days {} h", whole / 86400, whole % 86400 / 3600);
}

namespace {

using Json = nlohmann::ordered_json;

// 231882 as 231,882.
std::string count(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

std::string bytes(double size) {
    if (size < 1024) return fmt::format("{:.0f} B", size);
    for (const char* unit : {"KiB", "MiB", "GiB"}) {
        size /= 1024;
        if (size < 1024) return fmt::format("{:.{}f} {}", size, size < 10 ? 1 : 0, unit);
    }
    return fmt::format("{:.1f} TiB", size / 1024);
}

std::string ofBudget(const Json& memory, const std::string& name) {
    return bytes(memory.at(name + "_bytes")) + " of " + bytes(memory.at(name + "_budget_bytes"));
}

std::string clockTime(std::int64_t millis) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(millis / 1000));
}

std::string rates(const Json& of) {
    return count(static_cast<std::uint64_t>(std::llround(of.at("records_per_s").get<double>()))) +
           " records/s, " + bytes(of.at("bytes_per_s")) + "/s";
}

void line(std::string& out, const char* what, const std::string& text) {
    out += fmt::format("  {:<11}{}\n", what, text);
}

std::string sourceInWords(const Json& source) {
    std::string text = source.at("description").get<std::string>() + ": " +
                       count(source.at("records")) + " records";
    if (source.contains("records_per_s")) text += ", " + rates(source);
    if (source.contains("lag_records"))
        text += ", " + count(source.at("lag_records")) + " behind its peer";
    if (source.contains("lag_ms"))
        text += ", " + count(source.at("lag_ms")) + " ms behind its peer";
    if (source.at("connections") != 0)
        text += fmt::format(", {} connections", source.at("connections").get<std::uint64_t>());
    if (source.at("paused").get<bool>()) text += ", paused";
    if (source.contains("max_rate"))
        text += ", at most " + source.at("max_rate").get<std::string>();
    if (source.at("too_long") != 0) text += ", " + count(source.at("too_long")) + " too long";
    if (source.at("errors") != 0) text += ", " + count(source.at("errors")) + " errors";
    return text;
}

std::string outputInWords(const Json& output) {
    auto text = output.at("description").get<std::string>();
    if (output.at("waits").get<bool>())
        text += fmt::format(", waits for its peer for {}, after {} attempts: {}",
                            spanInWords(output.at("waits_s")), count(output.at("attempts")),
                            output.at("last_error").get<std::string>());
    return text;
}

std::string checkpointInWords(const Json& status) {
    const auto& checkpoint = status.at("checkpoint");
    std::string text = bytes(status.at("log").at("bytes"));
    if (checkpoint.contains("batch"))
        text +=
            fmt::format("; checkpoint of batch {} {} ago", checkpoint["batch"].get<std::uint64_t>(),
                        spanInWords(checkpoint.at("age_s")));
    else text += "; no checkpoint yet";
    text += ", " + count(checkpoint.at("made")) + " made since the start";
    if (status.contains("replay_s"))
        text += "; what is behind it runs again in about " + spanInWords(status.at("replay_s"));
    return text;
}

}  // namespace

std::string statusInWords(const Json& status) {
    std::string out = status.at("job").get<std::string>() + ": ";
    bool first = true;
    for (const auto& words : status.at("words")) {
        out += (first ? "" : "  and ") + words.get<std::string>() + "\n";
        first = false;
    }
    line(out, "process",
         fmt::format("{} for {}, pid {}, tidemill {}, {}", status.at("phase").get<std::string>(),
                     spanInWords(status.at("runs_s")), status.at("process").get<std::int64_t>(),
                     status.at("version").get<std::string>(),
                     status.at("data_dir").get<std::string>()));
    const auto& batch = status.at("batch");
    if (batch.at("id") != 0)
        line(out, "batch",
             fmt::format("{} of {}, one every {:.3g} s; it began {:.0f} ms late and took {:.0f} ms",
                         batch.at("id").get<std::uint64_t>(), clockTime(batch.at("time_ms")),
                         batch.at("interval_ms").get<double>() / 1000,
                         batch.at("waited_ms").get<double>(),
                         batch.at("processing_ms").get<double>()));
    if (status.contains("rates"))
        line(out, "rate",
             fmt::format("{} over {:.0f} s; batches run {:.0f} % of the time",
                         rates(status["rates"]), status["rates"].at("over_s").get<double>(),
                         100 * status["rates"].at("busy").get<double>()));
    line(out, "taken",
         count(batch.at("records")) + " records, " + bytes(batch.at("bytes")) + " in " +
             count(batch.at("since_start")) + " batches since the start");
    const auto& memory = status.at("memory");
    line(out, "memory",
         bytes(memory.at("resident_bytes")) +
             (memory.contains("budget_bytes") ? " of " + bytes(memory["budget_bytes"]) : "") +
             " in all; received " + ofBudget(memory, "receive") + ", changed state " +
             ofBudget(memory, "delta"));
    line(out, "log", checkpointInWords(status));
    int number = 0;
    for (const auto& source : status.at("sources"))
        line(out, fmt::format("source {}", ++number).c_str(), sourceInWords(source));
    number = 0;
    for (const auto& output : status.at("outputs"))
        line(out, fmt::format("output {}", ++number).c_str(), outputInWords(output));
    if (status.at("left_out_records") != 0)
        line(out, "left out",
             count(status.at("left_out_records")) + " records; see tidemill dead_letters");
    for (const auto& error : status.at("errors"))
        line(out, "error",
             clockTime(error.at("time_ms")) + " " + error.at("source").get<std::string>() + ": " +
                 error.at("message").get<std::string>());
    return out;
}

}  // namespace tidemill::tools
