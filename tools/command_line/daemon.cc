// The arguments of the commands that ask the daemon: `tidemill status`, `stop`, `pause`, `resume`
// and `set`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addDaemon(CLI::App& app, int& code) {
    const auto control = std::make_shared<ControlOptions>();
    auto* status =
        app.add_subcommand("status", "what the job that runs does, and whether it is well");
    addDaemonDirectory(*status, *control);
    addJson(*status, control->json);
    status->add_flag("--watch", control->watch, "again every 2 s, until the job ends");
    status->footer(kStatusFooter);
    status->callback([&code, control] { code = showStatus(*control); });
    auto* stop = app.add_subcommand("stop", "stop the job that runs, and wait until it has");
    addDaemonDirectory(*stop, *control);
    stop->add_flag("--now", control->now,
                   "without processing what was received first; the next start does");
    addJson(*stop, control->json);
    stop->footer(
        "Exit codes: 0 it has stopped; 1 no job runs there; 4 it does not answer.\n"
        "Example: tidemill stop --data-dir wordcount_acknowledged.data");
    stop->callback([&code, control] { code = stopDaemon(*control); });

    const auto intake = std::make_shared<IntakeOptions>();
    const auto ofSource = [&](CLI::App* command, bool required) {
        auto* source = command->add_option(
            "SOURCE", intake->source,
            required ? "its number in `tidemill status`, or its name"
                     : "its number in `tidemill status`, or its name (default: all)");
        source->option_text(" ");
        if (required) source->required();
        addDataDirectory(*command, intake->dataDirectory);
        addJson(*command, intake->json);
    };
    auto* pause = app.add_subcommand("pause", "have sources of the job that runs take nothing");
    ofSource(pause, false);
    pause->footer(kPauseFooter);
    pause->callback([&code, intake] { code = pauseSources(*intake); });
    auto* resume = app.add_subcommand("resume", "have paused sources take what comes again");
    ofSource(resume, false);
    resume->footer("Example: tidemill resume --data-dir wordcount_acknowledged.data");
    resume->callback([&code, intake] { code = resumeSources(*intake); });
    auto* set = app.add_subcommand("set", "limit how much a source of the job that runs takes");
    ofSource(set, true);
    set->add_option("SETTING", intake->setting,
                    "rate=RATE: \"5000 records/s\", \"10 MiB/s\", or default:\n"
                    "what the job says")
        ->required()
        ->option_text(" ");
    set->footer(kSetFooter);
    set->callback([&code, intake] { code = setSource(*intake); });
}

}  // namespace tidemill::tools
