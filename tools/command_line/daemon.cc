// The arguments of the commands that ask the daemon: `tidemill status` and `stop`.
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
    stop->footer(
        "Exit codes: 0 it has stopped; 1 no job runs there; 4 it does not answer.\n"
        "Example: tidemill stop --data-dir wordcount_acknowledged.data");
    stop->callback([&code, control] { code = stopDaemon(*control); });
}

}  // namespace tidemill::tools
