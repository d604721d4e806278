// The arguments of `tidemill checkpoint`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"

namespace tidemill::tools {

void addCheckpoint(CLI::App& app, int& code) {
    const auto inspect = std::make_shared<InspectOptions>();
    auto* checkpoint = app.add_subcommand("checkpoint", "look at the checkpoints, or make one");
    checkpoint->require_subcommand(1);
    checkpoint->footer(
        "Exit codes: 1 no data directory; 4 of a newer version; 5 verify has found damage.\n"
        "Example: tidemill checkpoint list --data-dir wordcount_acknowledged.data");
    auto* checkpointList = checkpoint->add_subcommand("list", "newest first");
    addInspection(*checkpointList, *inspect);
    checkpointList->footer(
        "Example: tidemill checkpoint list --data-dir wordcount_acknowledged.data");
    checkpointList->callback([&code, inspect] { code = listCheckpoints(*inspect, false); });
    auto* checkpointVerify = checkpoint->add_subcommand(
        "verify", "read and check every file; exit code 5 when it finds damage");
    addInspection(*checkpointVerify, *inspect);
    checkpointVerify->footer(
        "Example: tidemill checkpoint verify --data-dir wordcount_acknowledged.data");
    checkpointVerify->callback([&code, inspect] { code = listCheckpoints(*inspect, true); });

    const auto control = std::make_shared<ControlOptions>();
    auto* checkpointNow = checkpoint->add_subcommand(
        "now", "have the job that runs make one, and wait until it is published");
    addDaemonDirectory(*checkpointNow, *control);
    addJson(*checkpointNow, control->json);
    checkpointNow->footer(
        "Example: tidemill checkpoint now --data-dir wordcount_acknowledged.data");
    checkpointNow->callback([&code, control] { code = makeCheckpoint(*control); });
}

}  // namespace tidemill::tools
