// The arguments of `tidemill kill-test`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addKillTest(CLI::App& app, int& code) {
    const auto test = std::make_shared<KillTestOptions>();
    auto* command =
        app.add_subcommand("kill-test", "kill a job at random while it is fed, and compare");
    command->add_option("JOB.toml", test->job, "the job; or -- PROGRAM ARGUMENTS…")
        ->required()
        ->option_text(" ");
    command
        ->add_option("--feed", test->feeds,
                     "FILE, or SOURCE=FILE for one of several sources: the lines\n"
                     "that the job takes (default: generated lines of words)")
        ->expected(1)
        ->take_all()
        ->option_text("FILE");
    command->add_option("--rounds", test->rounds, "pieces of the feed; a kill or more for each")
        ->default_val(20)
        ->check(CLI::Range(1, 100'000))
        ->option_text("N (default: 20)");
    command
        ->add_option("--seed", test->seed,
                     "for the times of the kills and the generated lines\n(default: a random one, "
                     "which is said)")
        ->option_text("S");
    command
        ->add_option("--scratch", test->scratch,
                     "where to work; must not exist, and is removed unless it fails\n"
                     "(default: in the directory for temporary files)")
        ->option_text("DIR");
    command
        ->add_option("--port", test->ports,
                     "of a program: of its listen_acknowledged source; one for each")
        ->expected(1)
        ->take_all()
        ->check(CLI::Range(1, 65535))
        ->option_text("PORT");
    command
        ->add_option("--data-dir", test->dataDirectory,
                     "of a program: its data directory in its working directory,\n"
                     "which each run has of its own")
        ->option_text("DIR");
    command->add_option("--runs-in", test->runsIn)->group("");
    addJson(*command, test->json);
    command->footer(kKillTestFooter);
    command->callback([&code, test] { code = killTest(*test); });
}

}  // namespace tidemill::tools
