// The arguments of `tidemill test`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addTest(CLI::App& app, int& code) {
    const auto test = std::make_shared<TestOptions>();
    auto* command = app.add_subcommand("test", "run a job on given input, compare what it gives");
    command->add_option("JOB.toml", test->jobFile, "the job; see docs/job_file.md")
        ->required()
        ->option_text(" ");
    command
        ->add_option("CASES", test->cases,
                     "a directory of cases, or one case: batch-1/SOURCE.txt\n"
                     "and so on, and expected/")
        ->required()
        ->option_text(" ");
    command->add_flag("--update", test->update, "write what the job gives to expected/");
    addJson(*command, test->json);
    command->footer(kTestFooter);
    command->callback([&code, test] { code = testJob(*test); });
}

}  // namespace tidemill::tools
