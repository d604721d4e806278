// tidemill status, stop and checkpoint now: ask a running daemon.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/commands.h"
#include "tools/control/control_socket.h"
#include "tools/control/daemon_control.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchEvery{2};
constexpr std::chrono::milliseconds kLookEvery{50};
constexpr std::chrono::seconds kSayEvery{2};

Result<Json> ask(const std::string& directory, std::string_view request) {
    TM_ASSIGN(const auto answer, askDaemon(directory, request));
    auto json = Json::parse(answer, nullptr, false);
    if (!json.is_object())
        return core::fail(ErrorKind::kCorrupt,
                          "the daemon's answer is no JSON object: directory=" + directory);
    if (json.contains("error"))
        return core::fail(ErrorKind::kConflict, json["error"].get<std::string>());
    return json;
}

std::string span(double seconds) {
    const auto whole = static_cast<std::int64_t>(seconds);
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    if (whole < 120) return fmt::format("{} s", whole);
    if (whole < 2 * 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
    if (whole < 2 * 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
    return fmt::format("{} days {} h", whole / 86400, whole % 86400 / 3600);
}

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
    if (source.at("connections") != 0)
        text += fmt::format(", {} connections", source.at("connections").get<std::uint64_t>());
    if (source.at("too_long") != 0) text += ", " + count(source.at("too_long")) + " too long";
    if (source.at("errors") != 0) text += ", " + count(source.at("errors")) + " errors";
    return text;
}

std::string checkpointInWords(const Json& status) {
    const auto& checkpoint = status.at("checkpoint");
    std::string text = bytes(status.at("log").at("bytes"));
    if (checkpoint.contains("batch"))
        text += fmt::format("; checkpoint of batch {} {} ago",
                            checkpoint["batch"].get<std::uint64_t>(), span(checkpoint.at("age_s")));
    else text += "; no checkpoint yet";
    text += ", " + count(checkpoint.at("made")) + " made since the start";
    if (status.contains("replay_s"))
        text += "; what is behind it runs again in about " + span(status.at("replay_s"));
    return text;
}

// What a person wants to know, the answer to "is it well?" first.
std::string inWords(const Json& status) {
    std::string out = status.at("job").get<std::string>() + ": ";
    bool first = true;
    for (const auto& words : status.at("words")) {
        out += (first ? "" : "  and ") + words.get<std::string>() + "\n";
        first = false;
    }
    line(out, "process",
         fmt::format("{} for {}, pid {}, tidemill {}, {}", status.at("phase").get<std::string>(),
                     span(status.at("runs_s")), status.at("process").get<std::int64_t>(),
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
         bytes(memory.at("resident_bytes")) + " in all; received " + ofBudget(memory, "receive") +
             ", changed state " + ofBudget(memory, "delta"));
    line(out, "log", checkpointInWords(status));
    int number = 0;
    for (const auto& source : status.at("sources"))
        line(out, fmt::format("source {}", ++number).c_str(), sourceInWords(source));
    if (status.at("left_out_records") != 0)
        line(out, "left out",
             count(status.at("left_out_records")) + " records; see tidemill dead_letters");
    for (const auto& error : status.at("errors"))
        line(out, "error",
             clockTime(error.at("time_ms")) + " " + error.at("source").get<std::string>() + ": " +
                 error.at("message").get<std::string>());
    return out;
}

bool say(const Json& status, const ControlOptions& options) {
    const bool redraw = options.watch && !options.json && ::isatty(STDOUT_FILENO) == 1;
    const std::string text = options.json ? status.dump() + "\n" : inWords(status);
    return put((redraw ? "\x1b[H\x1b[2J" : "") + text) && finishOutput() == kExitDone;
}

// Whether the process that answered is gone, or another one answers.
bool ended(const std::string& directory, const Json& process) {
    const auto status = ask(directory, kStatusRequest);
    return !status ? status.error().kind == ErrorKind::kNotFound : status->at("process") != process;
}

// Says from time to time what is waited for.
class Waiting {
public:
    void say(const std::string& what) {
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return;
        next_ = now + kSayEvery;
        std::fprintf(stderr, "%s\n", what.c_str());
    }

private:
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + kSayEvery;
};

}  // namespace

int showStatus(const ControlOptions& options) {
    while (true) {
        const auto status = ask(options.dataDirectory, kStatusRequest);
        if (!status) return sayFailure(status.error());
        if (!say(*status, options)) return kExitFailed;
        if (!options.watch) return kExitDone;
        std::this_thread::sleep_for(kWatchEvery);
    }
}

int stopDaemon(const ControlOptions& options) {
    const auto asked = ask(options.dataDirectory, options.now ? kStopNowRequest : kStopRequest);
    if (!asked) return sayFailure(asked.error());
    const auto process = asked->at("process");
    Waiting waiting;
    while (!ended(options.dataDirectory, process)) {
        waiting.say("waits for process " + process.dump() +
                    " to process what was received (again with --now: ends it at once)");
        std::this_thread::sleep_for(kLookEvery);
    }
    std::printf("stopped: process %s\n", process.dump().c_str());
    return kExitDone;
}

int makeCheckpoint(const ControlOptions& options) {
    const auto asked = ask(options.dataDirectory, kCheckpointRequest);
    if (!asked) return sayFailure(asked.error());
    Waiting waiting;
    while (true) {
        const auto status = ask(options.dataDirectory, kStatusRequest);
        if (!status) return sayFailure(status.error());
        const auto& checkpoint = status->at("checkpoint");
        if (checkpoint.at("answered") >= asked->at("request")) {
            if (options.json) std::printf("%s\n", checkpoint.dump().c_str());
            else std::printf("checkpoint of batch %s\n", checkpoint.at("batch").dump().c_str());
            return kExitDone;
        }
        waiting.say("waits for the end of a batch; one comes every " +
                    span(status->at("batch").at("interval_ms").get<double>() / 1000));
        std::this_thread::sleep_for(kLookEvery);
    }
}

}  // namespace tidemill::tools
