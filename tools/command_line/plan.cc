// The arguments of `tidemill plan`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addPlan(CLI::App& app, int& code) {
    const auto plan = std::make_shared<PlanOptions>();
    auto* command =
        app.add_subcommand("plan", "what a changed job would do with the state that is there");
    command->add_option("JOB.toml", plan->jobFile, "the changed job")->required()->option_text(" ");
    command
        ->add_option("--data-dir", plan->dataDirectory,
                     "the data directory it is to go on with\n"
                     "(default: the job's data_dir, else ./NAME.data)")
        ->option_text("DIR");
    command->add_flag("--drop-mismatched-state", plan->dropMismatchedState,
                      "as if run were given it");
    command->add_flag("--adopt", plan->adopt, "as if run were given it");
    addJson(*command, plan->json);
    command->footer(kPlanFooter);
    command->callback([&code, plan] { code = planChange(*plan); });
}

}  // namespace tidemill::tools
