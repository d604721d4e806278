#include "tools/command_line/wrong_arguments.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "tools/exit_code.h"
#include "tools/toml_table.h"

namespace tidemill::tools {
namespace {

// "state list" for that subcommand.
std::string nameOf(const CLI::App& command) {
    const CLI::App* parent = command.get_parent();
    if (parent == nullptr || parent->get_parent() == nullptr) return command.get_name();
    return nameOf(*parent) + " " + command.get_name();
}

std::string unknownCommand(const CLI::App& command, const std::string& word) {
    if (word == "start") return "unknown command \"start\", did you mean \"run\"?";
    std::vector<std::string> known;
    for (const auto* each : command.get_subcommands([](const CLI::App*) { return true; }))
        known.push_back(each->get_name());
    if (known.empty()) return "unexpected argument \"" + word + "\"";
    return "unknown command \"" + word + "\"" + suggestion(word, known);
}

std::string unknownOption(const CLI::App& command, const std::string& word) {
    std::vector<std::string> known;
    for (const auto* option : command.get_options())
        for (const auto& name : option->get_lnames()) known.push_back("--" + name);
    const std::string name = word.substr(0, word.find('='));
    return "unknown option \"" + name + "\"" + suggestion(name, known);
}

const CLI::App* chosenCommand(const CLI::App& app) {
    const CLI::App* command = &app;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    return command;
}

void sayHelp(const CLI::App& app) {
    const CLI::App* command = chosenCommand(app);
    const std::string name = command == &app ? "tidemill" : "tidemill " + nameOf(*command);
    std::fprintf(stderr, "%s --help says more\n", name.c_str());
}

void sayWrong(const CLI::App& app, const CLI::ParseError& error) {
    std::istringstream lines(error.what());
    for (std::string line; std::getline(lines, line);)
        if (!line.empty()) std::fprintf(stderr, "tidemill: %s\n", line.c_str());
    sayHelp(app);
}

// CLI11 asks for what is required without saying that it does not know what was given, names
// unknown options backwards, and suggests nothing.
bool reportedUnknown(const CLI::App& app) {
    const CLI::App* command = chosenCommand(app);
    const auto extra = app.remaining(true);
    if (extra.empty()) return false;
    const auto isOption = [](const std::string& word) { return word.starts_with("-"); };
    // Options of an unknown command are not judged; what follows an unknown option may be its
    // value.
    if (!isOption(extra[0])) {
        std::fprintf(stderr, "tidemill: %s\n", unknownCommand(*command, extra[0]).c_str());
    } else {
        for (const auto& word : extra)
            if (isOption(word))
                std::fprintf(stderr, "tidemill: %s\n", unknownOption(*command, word).c_str());
    }
    sayHelp(app);
    return true;
}

}  // namespace

int reportParseEnd(const CLI::App& app, const CLI::ParseError& error, int argumentCount) {
    if (error.get_exit_code() == 0) {
        app.exit(error);  // --help and --version
        return kExitDone;
    }
    if (argumentCount == 1) std::fputs(app.help().c_str(), stderr);
    else if (!reportedUnknown(app)) sayWrong(app, error);
    return kExitUsage;
}

}  // namespace tidemill::tools
