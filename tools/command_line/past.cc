// The arguments of `tidemill replay`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {
namespace {

void addJobAndDirectory(CLI::App& command, std::string& jobFile, std::string& directory) {
    command.add_option("JOB.toml", jobFile, "the job that ran on the directory")
        ->required()
        ->option_text(" ");
    command
        .add_option("--data-dir", directory,
                    "the job's data directory\n(default: the job's data_dir, else ./NAME.data)")
        ->option_text("DIR");
}

}  // namespace

void addPast(CLI::App& app, int& code) {
    const auto replay = std::make_shared<ReplayCommandOptions>();
    auto* command = app.add_subcommand("replay", "what each step gave in a past batch, on a copy");
    addJobAndDirectory(*command, replay->jobFile, replay->dataDirectory);
    command->add_option("--batch", replay->batch, "required: the batch")
        ->required()
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    command
        ->add_option("--job", replay->changedJob,
                     "a changed job file: what it gives instead is shown beside it")
        ->option_text("FILE");
    command
        ->add_option("--key", replay->key,
                     "only elements with a value that reads so, and texts that\nhold it")
        ->option_text("KEY");
    command->add_option("--limit", replay->limit, "elements shown of each step (default: 10)")
        ->default_val(10)
        ->check(CLI::Range(0, 1'000'000))
        ->option_text("N");
    addJson(*command, replay->json);
    command->footer(kReplayFooter);
    command->callback([&code, replay] { code = replayBatch(*replay); });
}

}  // namespace tidemill::tools
