// The arguments of `tidemill savepoint`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addSavepoint(CLI::App& app, int& code) {
    const auto options = std::make_shared<SavepointOptions>();
    auto* savepoint =
        app.add_subcommand("savepoint", "checkpoints that stay until they are removed");
    savepoint->require_subcommand(1);
    savepoint->footer(kSavepointFooter);
    const auto common = [&](CLI::App* command) {
        addDataDirectory(*command, options->dataDirectory);
        addJson(*command, options->json);
    };
    const auto name = [&](CLI::App* command, const char* text) {
        command->add_option("NAME", options->name, text)->required()->option_text(" ");
    };
    auto* make = savepoint->add_subcommand("make", "keep the state as it is at the next boundary");
    name(make, "a letter, then letters, digits, '.', '_' or '-'");
    common(make);
    make->footer(
        "Exit codes: as of savepoint.\n"
        "Example: tidemill savepoint make friday --data-dir wordcount_acknowledged.data");
    make->callback([&code, options] { code = makeSavepoint(*options); });
    auto* list = savepoint->add_subcommand("list", "by name, with what they take on disk");
    common(list);
    list->footer("Example: tidemill savepoint list --data-dir wordcount_acknowledged.data");
    list->callback([&code, options] { code = listSavepoints(*options); });
    auto* remove = savepoint->add_subcommand("remove", "give its files up; the job may run");
    name(remove, "as savepoint list says it");
    common(remove);
    remove->footer(
        "Example: tidemill savepoint remove friday --data-dir wordcount_acknowledged.data");
    remove->callback([&code, options] { code = removeSavepoint(*options); });
}

}  // namespace tidemill::tools
