// tidemill pause, resume and set: what sources of a running daemon take.
#include <charconv>
#include <cstdio>
#include <string>
#include <vector>

#include "core/suggestion.h"
#include "tools/commands.h"
#include "tools/control/ask.h"
#include "tools/control/daemon_control.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"

namespace tidemill::tools {
namespace {

using core::ErrorKind;
using core::Result;

struct Source {
    std::size_t number = 0;  // from 1
    std::string label;
};

// `source "clicks"` is known by the name clicks.
std::string nameOf(const std::string& label) {
    const auto begin = label.find('"'), end = label.rfind('"');
    return begin == end ? label : label.substr(begin + 1, end - begin - 1);
}

// The one that `wanted` names, by number or name; all when it is empty.
Result<std::vector<Source>> sourcesOf(const IntakeOptions& options) {
    TM_ASSIGN(const auto status, askForJson(options.dataDirectory, kStatusRequest));
    std::vector<Source> all;
    std::vector<std::string> names;
    for (const auto& source : status.at("sources")) {
        all.push_back({all.size() + 1, source.at("label").get<std::string>()});
        names.push_back(nameOf(all.back().label));
    }
    if (all.empty())
        return core::fail(ErrorKind::kConflict, "the job has not started yet: try again");
    if (options.source.empty()) return all;
    const auto& wanted = options.source;
    std::size_t number = 0;
    const auto read = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    const bool isNumber = read.ec == std::errc() && read.ptr == wanted.data() + wanted.size();
    for (const auto& source : all)
        if (isNumber ? source.number == number
                     : nameOf(source.label) == wanted || source.label == wanted)
            return std::vector<Source>{source};
    return core::fail(
        ErrorKind::kInvalid,
        isNumber ? "there is no source " + wanted + "; the job has " + std::to_string(all.size())
                 : "there is no source \"" + wanted + "\"" + core::suggestion(wanted, names));
}

// What holds for each source now, an object a line.
Result<> putNow(const std::string& directory, const std::vector<Source>& sources) {
    TM_ASSIGN(const auto status, askForJson(directory, kStatusRequest));
    for (const auto& source : sources) {
        const auto& now = status.at("sources").at(source.number - 1);
        nlohmann::ordered_json line{
            {"source", source.number}, {"label", source.label}, {"paused", now.at("paused")}};
        if (now.contains("max_rate")) line["max_rate"] = now["max_rate"];
        put(line.dump() + "\n");
    }
    return {};
}

// Says to each source `word N behind`, and to the person what it does now.
int order(const IntakeOptions& options, std::string_view word, const std::string& behind,
          const std::string& said) {
    const auto sources = sourcesOf(options);
    if (!sources) return sayFailure(sources.error());
    for (const auto& source : *sources) {
        const auto done = askForJson(options.dataDirectory,
                                     std::string(word) + " " + std::to_string(source.number) +
                                         (behind.empty() ? "" : " " + behind));
        if (!done) return sayFailure(done.error());
        if (!options.json) put(source.label + " " + said + "\n");
    }
    if (options.json)
        if (const auto now = putNow(options.dataDirectory, *sources); !now)
            return sayFailure(now.error());
    return finishOutput();
}

}  // namespace

int pauseSources(const IntakeOptions& options) {
    return order(options, kPauseRequest, "",
                 "is paused, also after a restart, until tidemill resume");
}

int resumeSources(const IntakeOptions& options) {
    return order(options, kResumeRequest, "", "takes what comes again");
}

int setSource(const IntakeOptions& options) {
    constexpr std::string_view kRate = "rate=";
    const std::string_view setting = options.setting;
    if (!setting.starts_with(kRate)) {
        std::fprintf(stderr, "tidemill: \"%s\" cannot be set; there is rate=RATE\n",
                     options.setting.c_str());
        return kExitUsage;
    }
    const std::string rate(setting.substr(kRate.size()));
    if (rate != kDeclaredRate && !parseRate(rate)) {
        std::fprintf(stderr, "tidemill: rate \"%s\": %s; \"%s\": what the job says\n", rate.c_str(),
                     std::string(kRateForms).c_str(), std::string(kDeclaredRate).c_str());
        return kExitUsage;
    }
    return order(options, kRateRequest, rate,
                 rate == kDeclaredRate
                     ? "takes what the job says"
                     : "takes at most " + toString(*parseRate(rate)) + ", also after a restart");
}

}  // namespace tidemill::tools
