// The arguments of `tidemill run`.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>

#include "tools/command_line/add_commands.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {
namespace {

// A word for a value, refused in words.
template <class T>
CLI::Validator oneOf(const std::map<std::string, T>& values) {
    return CLI::Validator(
        [values](std::string& word) -> std::string {
            if (const auto found = values.find(word); found != values.end()) {
                word = std::to_string(static_cast<int>(found->second));
                return {};
            }
            std::string known;
            for (const auto& [name, value] : values) known += (known.empty() ? "" : ", ") + name;
            return "\"" + word + "\" is none of " + known;
        },
        "");
}

}  // namespace

void addRun(CLI::App& app, int& code) {
    const auto run = std::make_shared<RunOptions>();
    auto* runCommand = app.add_subcommand("run", "run a job file in the foreground");
    runCommand->add_option("JOB.toml", run->jobFile, "the job; see docs/job_file.md")
        ->required()
        ->option_text(" ");
    runCommand
        ->add_option("--data-dir", run->dataDirectory,
                     "where log, state and checkpoints live; made when it is missing\n"
                     "(default: the job's data_dir, else ./NAME.data)")
        ->option_text("DIR");
    runCommand
        ->add_option("--from", run->from,
                     "make the data directory, which must not exist, of the savepoint\n"
                     "DIR/savepoints/NAME of another one, and go on from there")
        ->option_text("SAVEPOINT");
    runCommand
        ->add_option("--workers", run->workers,
                     "threads that process batches, 0 to 1024; 0: one per core\n"
                     "(default: the job's, else 0)")
        ->check(CLI::Range(0, 1024))
        ->option_text("N");
    runCommand->add_flag("--check", run->checkOnly,
                         "say what the job file means, or all that is wrong with it,\n"
                         "and run nothing");
    auto* connect = runCommand->add_flag(
        "--connect", run->connect,
        "with --check: ask all peers (Kafka, databases, sockets) whether they\n"
        "can be reached, would do, and where sources would begin");
    connect->needs("--check");
    runCommand
        ->add_flag("--json", run->json, "with --check --connect: one JSON object for each peer")
        ->needs(connect);
    runCommand->add_flag("--adopt", run->adopt,
                         "take over a data directory that belongs to a job of another name");
    runCommand->add_flag("--drop-mismatched-state", run->dropMismatchedState,
                         "start although a table's types, or what it holds, have changed.\n"
                         "Such tables begin EMPTY: what they held, all totals, is gone");
    runCommand
        ->add_option("--skip-record", run->skipRecords,
                     "go on without record number LINE of the log's block LSN, as the\n"
                     "message of the failed batch names it (120:4); may be given\n"
                     "several times")
        ->expected(1)
        ->take_all()
        ->option_text("LSN:LINE");
    runCommand
        ->add_option("--quarantine", run->quarantineBatch,
                     "go on without the records of this batch that a step cannot take")
        ->option_text("BATCH");
    runCommand
        ->add_option("--skip-batch", run->skipBatch,
                     "go on without all records of this batch; none of them counts")
        ->option_text("BATCH");
    runCommand
        ->add_option("--log-file", run->logFile,
                     "log to the end of this file instead of standard error; SIGHUP\n"
                     "opens it again, after a rotation")
        ->option_text("FILE");
    const std::map<std::string, core::LogFormat> formats{{"text", core::LogFormat::kText},
                                                         {"logfmt", core::LogFormat::kLogfmt},
                                                         {"json", core::LogFormat::kJson}};
    runCommand->add_option("--log-format", run->logFormat, "text, logfmt or json (default: text)")
        ->transform(oneOf(formats))
        ->option_text("FORMAT");
    const std::map<std::string, core::LogLevel> levels{{"debug", core::LogLevel::kDebug},
                                                       {"info", core::LogLevel::kInfo},
                                                       {"warning", core::LogLevel::kWarning},
                                                       {"error", core::LogLevel::kError}};
    runCommand
        ->add_option("--log-level", run->logLevel, "debug, info, warning or error (default: info)")
        ->transform(oneOf(levels))
        ->option_text("LEVEL");
    runCommand->footer(kRunFooter);
    runCommand->callback([&code, run] { code = runJob(*run); });
}

}  // namespace tidemill::tools
