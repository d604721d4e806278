// The arguments of `tidemill replay` and `why`.
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

    const auto why = std::make_shared<WhyOptions>();
    auto* whyCommand =
        app.add_subcommand("why", "the batches and records that made a key's value, on a copy");
    addJobAndDirectory(*whyCommand, why->jobFile, why->dataDirectory);
    whyCommand->add_option("TABLE", why->table, "a table, as state list names it")
        ->required()
        ->option_text(" ");
    whyCommand->add_option("KEY", why->key, "a key, as state scan shows it")
        ->required()
        ->option_text(" ");
    whyCommand
        ->add_option("--batches", why->batches,
                     "the newest batches that changed it (default: 10); 0: all")
        ->default_val(10)
        ->check(CLI::NonNegativeNumber)
        ->option_text("N");
    whyCommand->add_option("--limit", why->limit, "records of each batch (default: 10); 0: all")
        ->default_val(10)
        ->check(CLI::NonNegativeNumber)
        ->option_text("N");
    addJson(*whyCommand, why->json);
    whyCommand->footer(kWhyFooter);
    whyCommand->callback([&code, why] { code = explainRow(*why); });
}

}  // namespace tidemill::tools
