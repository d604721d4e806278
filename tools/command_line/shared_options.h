// Options that several commands have, each in the same words.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/commands.h"

namespace tidemill::tools {

inline void addJson(CLI::App& command, bool& json) {
    command.add_flag("--json", json, "one JSON object a line");
}

// Of the commands that only look.
inline void addInspection(CLI::App& command, InspectOptions& options) {
    command.add_option("--data-dir", options.dataDirectory, "required: the job's data directory")
        ->required()
        ->option_text("DIR");
    addJson(command, options.json);
}

// "120" is a batch, "friday" a savepoint.
inline void addAsOf(CLI::App& command, InspectOptions& options, const char* text) {
    command
        .add_option_function<std::string>(
            "--as-of",
            [&options](const std::string& which) {
                if (which.find_first_not_of("0123456789") != which.npos) {
                    options.asOfSavepoint = which;
                    return;
                }
                std::uint64_t batch = 0;
                if (!CLI::detail::lexical_cast(which, batch))
                    throw CLI::ValidationError("--as-of", "\"" + which + "\" is no batch");
                options.asOf = batch;
            },
            text)
        ->option_text("BATCH|SAVEPOINT");
}

// Of the commands that ask the daemon.
inline void addDataDirectory(CLI::App& command, std::string& directory) {
    command.add_option("--data-dir", directory, "required: the data directory of the job")
        ->required()
        ->option_text("DIR");
}
inline void addDaemonDirectory(CLI::App& command, ControlOptions& options) {
    addDataDirectory(command, options.dataDirectory);
}

}  // namespace tidemill::tools
