// The arguments of `tidemill backup`, `restore` and `fork`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addBackup(CLI::App& app, int& code) {
    const auto copy = std::make_shared<BackupOptions>();
    auto* backup = app.add_subcommand("backup", "copy a data directory, while its job runs or not");
    backup->add_option("TO", copy->to, "the copy; must not exist, its parent must")
        ->required()
        ->option_text(" ");
    backup->add_option("--data-dir", copy->from, "required: the job's data directory")
        ->required()
        ->option_text("DIR");
    addJson(*backup, copy->json);
    backup->footer(kBackupFooter);
    backup->callback([&code, copy] { code = backUpDirectory(*copy); });
    auto* restore = app.add_subcommand("restore", "make a data directory from a backup");
    restore->add_option("FROM", copy->from, "a copy that backup has made")
        ->required()
        ->option_text(" ");
    restore->add_option("--data-dir", copy->to, "required: where a job is to run; must not exist")
        ->required()
        ->option_text("DIR");
    addJson(*restore, copy->json);
    restore->footer(
        "The backup stays as it is. Start the job on the directory as always.\n"
        "Exit codes: as of backup.\n"
        "Example: tidemill restore sunday.backup --data-dir wordcount_acknowledged.restored");
    restore->callback([&code, copy] { code = restoreDirectory(*copy); });
    const auto options = std::make_shared<ForkOptions>();
    auto* fork =
        app.add_subcommand("fork", "a copy to try things on: it shows nothing unless told");
    fork->add_option("DIR", options->from, "the data directory; its job may run")
        ->required()
        ->option_text(" ");
    fork->add_option("NEW", options->to, "the fork; must not exist, its parent must")
        ->required()
        ->option_text(" ");
    fork->add_option("--from", options->savepoint,
                     "begin with this savepoint of DIR, and an empty log behind it")
        ->option_text("SAVEPOINT");
    fork->add_option("--checkpoint", options->checkpoint,
                     "only the checkpoint of this batch and older ones; a start derives\n"
                     "what came behind it from the log again")
        ->excludes("--from")
        ->option_text("BATCH");
    fork->add_flag("--with-outputs", options->withOutputs,
                   "a job that runs on it shows its batches; give it places of its own");
    addJson(*fork, options->json);
    fork->footer(kForkFooter);
    fork->callback([&code, options] { code = forkDirectory(*options); });
}

}  // namespace tidemill::tools
