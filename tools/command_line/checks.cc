// The arguments of `tidemill fsck` and `verify`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addChecks(CLI::App& app, int& code) {
    const auto inspect = std::make_shared<InspectOptions>();
    auto* fsck = app.add_subcommand("fsck", "check every byte of log and checkpoints");
    addInspection(*fsck, *inspect);
    const auto repaired = std::make_shared<std::string>();
    fsck->add_option("--repair", *repaired,
                     "make TO, which must not exist, of what can be saved; no job may run")
        ->option_text("TO");
    fsck->footer(kFsckFooter);
    fsck->callback([&code, inspect, repaired] {
        code = repaired->empty() ? checkDirectory(*inspect) : repairDirectory(*inspect, *repaired);
    });
    const auto verify = std::make_shared<VerifyOptions>();
    auto* verifyCommand =
        app.add_subcommand("verify", "derive the state again from the log, on a copy, and compare");
    verifyCommand->add_option("JOB.toml", verify->jobFile, "the job that ran on the directory")
        ->required()
        ->option_text(" ");
    verifyCommand
        ->add_option("--data-dir", verify->dataDirectory,
                     "the job's data directory\n(default: the job's data_dir, else ./NAME.data)")
        ->option_text("DIR");
    verifyCommand
        ->add_option("--from", verify->from,
                     "begin with the checkpoint of this batch (default: the oldest)")
        ->option_text("BATCH");
    verifyCommand
        ->add_option("--scratch", verify->scratch,
                     "where to work; must not exist, and is removed in the end\n"
                     "(default: beside the data directory)")
        ->option_text("DIR");
    verifyCommand->add_option("--workers", verify->workers, "threads; 0: one per core")
        ->check(CLI::Range(0, 1024))
        ->option_text("N");
    addJson(*verifyCommand, verify->json);
    verifyCommand->footer(kVerifyFooter);
    verifyCommand->callback([&code, verify] { code = verifyState(*verify); });
}

}  // namespace tidemill::tools
