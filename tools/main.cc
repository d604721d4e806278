// The tidemill program: its command line. What the subcommands do is in *_command.cc.
#include <malloc.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>

#include "core/standard_streams.h"
#include "tidemill/stop_signals.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/toml_table.h"

namespace {

constexpr const char* kDescription =
    R"(Counts streams of records in small batches and remembers the totals, exactly, across crashes.

  tidemill run examples/wordcount.toml            run a job in the foreground; Ctrl-C stops it
  tidemill run --check examples/wordcount.toml    say what a job file means, run nothing
  tidemill send --session me localhost:9998 FILE  send a file; ends when every line is durable
  tidemill state list --data-dir wordcount.data   which state tables there are
  tidemill state export totals --data-dir wordcount.data --json
  tidemill wal verify --data-dir wordcount.data   check every byte of the log

Looking (state, wal, checkpoint) works while the job runs and never disturbs it.
Exit codes: 0 done; 1 failed while running; 2 wrong command line; 3 wrong job file; 4 the data
directory is in use, or belongs to another job or version; 5 damaged data; 6 damaged
state that a new start mends; 130 stopped at once.)";

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
    return "unknown command \"" + word + "\"" + tidemill::tools::suggestion(word, known);
}

std::string unknownOption(const CLI::App& command, const std::string& word) {
    std::vector<std::string> known;
    for (const auto* option : command.get_options())
        for (const auto& name : option->get_lnames()) known.push_back("--" + name);
    const std::string name = word.substr(0, word.find('='));
    return "unknown option \"" + name + "\"" + tidemill::tools::suggestion(name, known);
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
bool saidUnknown(const CLI::App& app) {
    const CLI::App* command = chosenCommand(app);
    const auto extra = app.remaining(true);
    if (extra.empty()) return false;
    const auto isOption = [](const std::string& word) { return word.starts_with("-"); };
    // Options of an unknown command are not judged; what follows an unknown option may be its value.
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

int fail(const CLI::App& app, const CLI::ParseError& error, int argc) {
    using namespace tidemill::tools;
    if (error.get_exit_code() == 0) {
        app.exit(error);  // --help and --version
        return kExitDone;
    }
    if (argc == 1)
        std::fputs(app.help().c_str(), stderr);
    else if (!saidUnknown(app))
        sayWrong(app, error);
    return kExitUsage;
}

// Before anything else, the libraries' own starts included: a signal that comes in the first
// milliseconds waits until `run` can stop gracefully. It needs nothing that is not there yet.
void holdSignalsBack(int, char**, char**) { tidemill::StopSignals::holdBack(); }
[[gnu::section(".preinit_array"), gnu::used]] void (*const kFirst)(int, char**, char**) =
    holdSignalsBack;

}  // namespace

int main(int argc, char** argv) {
    tidemill::core::holdStandardStreams();
    if (argc < 2 || std::string_view(argv[1]) != "run") tidemill::StopSignals::letThrough();
    // Left to itself glibc comes to take blocks of megabytes from heaps, which they tear: 10 million
    // keys within 64 MiB then held 255 MiB instead of 150.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    using namespace tidemill::tools;
    ::umask(077);
    CLI::App app(kDescription, "tidemill");
    app.set_version_flag("--version", TIDEMILL_VERSION);
    app.require_subcommand(1);
    app.fallthrough();

    int code = kExitDone;
    RunOptions run;
    auto* runCommand = app.add_subcommand("run", "run a job file in the foreground");
    runCommand->add_option("JOB.toml", run.jobFile, "the job; see docs/job_file.md")->required();
    runCommand->add_option("--data-dir", run.dataDirectory,
                           "where log, state and checkpoints live (default: the job's data_dir, "
                           "else ./NAME.data)");
    runCommand->add_option("--workers", run.workers,
                           "threads that process batches (default: the job's, else one per core)")
        ->check(CLI::Range(0, 1024));
    runCommand->add_flag("--check", run.checkOnly, "validate the job file, print the plan, stop");
    runCommand->add_flag("--adopt", run.adopt,
                         "take over a data directory that belongs to a job of another name");
    runCommand->add_flag("--drop-mismatched-state", run.dropMismatchedState,
                         "drop the state of operators whose kind or types changed");
    runCommand
        ->add_option("--skip-record", run.skipRecords,
                     "LSN:LINE, go on without this record of the batch that ended the job; "
                     "may be given several times")
        ->expected(1)
        ->take_all();
    runCommand->add_option(
        "--quarantine", run.quarantineBatch,
        "BATCH, go on without the records of this batch that a step cannot take");
    runCommand->add_option("--skip-batch", run.skipBatch,
                           "BATCH, go on without all records of this batch");
    runCommand->footer(
        "Examples:\n"
        "  tidemill run wordcount.toml                    in the foreground; Ctrl-C stops it\n"
        "  tidemill run --check wordcount.toml            what the file means, or what is wrong\n"
        "  tidemill run wordcount.toml --data-dir /var/lib/tidemill/wordcount");
    runCommand->callback([&] { code = runJob(run); });

    SendCommandOptions send;
    auto* sendCommand =
        app.add_subcommand("send", "send lines to a listen_acknowledged source, exactly once");
    sendCommand->add_option("--session", send.session,
                            "this sender's own name; keep it when the sender is restarted")
        ->required();
    sendCommand->add_option("SERVER", send.server, "HOST:PORT, or PORT on this machine")->required();
    sendCommand->add_option("FILE", send.file, "what to send (default: standard input)");
    sendCommand->add_flag("--live", send.live,
                          "the input's first line comes behind what the session has: for pipes "
                          "that cannot begin again");
    sendCommand->add_option("--rate", send.bytesPerSecond, "send at most so many bytes a second")
        ->check(CLI::NonNegativeNumber);
    sendCommand->footer(
        "Examples:\n"
        "  tidemill send --session shop-7 localhost:9998 orders.txt    again after a crash: goes on\n"
        "  tidemill send --session shop-7 '[::1]:9998' < orders.txt\n"
        "  journalctl -f | tidemill send --live --session host-3 localhost:9998");
    sendCommand->callback([&] { code = sendLines(send); });

    InspectOptions inspect;
    const auto common = [&](CLI::App* command) {
        command->add_option("--data-dir", inspect.dataDirectory, "the job's data directory")
            ->required();
        command->add_flag("--json", inspect.json, "one JSON object a line");
    };
    const auto table = [&](CLI::App* command) {
        command->add_option("TABLE", inspect.table, "name of the state table; see state list")
            ->required();
    };
    auto* state = app.add_subcommand("state", "look into the state of the newest checkpoint");
    state->require_subcommand(1);
    state->footer("Example: tidemill state export totals --data-dir wordcount.data");
    auto* stateList = state->add_subcommand("list", "the tables, their types, rows and sizes");
    common(stateList);
    stateList->footer("Example: tidemill state list --data-dir wordcount.data");
    stateList->callback([&] { code = listState(inspect); });
    auto* stateGet = state->add_subcommand("get", "the value of one key");
    table(stateGet);
    stateGet->add_option("KEY", inspect.key, "as `state export` prints it")->required();
    common(stateGet);
    stateGet->footer("Example: tidemill state get totals tide --data-dir wordcount.data");
    stateGet->callback([&] { code = getState(inspect); });
    auto* stateScan = state->add_subcommand("scan", "a part of a table, sorted by key");
    table(stateScan);
    stateScan->add_option("--prefix", inspect.prefix, "only keys that begin with this");
    stateScan->add_option("--from", inspect.from, "only keys not before this");
    stateScan->add_option("--to", inspect.to, "only keys before this");
    stateScan->add_option("--limit", inspect.limit, "at most so many rows; 0: all")
        ->default_val(100)
        ->check(CLI::NonNegativeNumber);
    common(stateScan);
    stateScan->footer("Example: tidemill state scan totals --prefix ti --limit 20 --data-dir wordcount.data");
    stateScan->callback([&] { code = scanState(inspect); });
    auto* stateExport = state->add_subcommand("export", "a whole table, sorted by key bytes");
    table(stateExport);
    common(stateExport);
    stateExport->footer("Example: tidemill state export totals --data-dir wordcount.data --json");
    stateExport->callback([&] {
        inspect.limit = 0;
        code = scanState(inspect);
    });

    auto* wal = app.add_subcommand("wal", "look into the write-ahead log");
    wal->require_subcommand(1);
    wal->footer("Exit code 5: verify has found damage.\n"
                "Example: tidemill wal verify --data-dir wordcount.data");
    auto* walList = wal->add_subcommand("list", "the segments and what they hold");
    common(walList);
    walList->footer("Example: tidemill wal list --data-dir wordcount.data");
    walList->callback([&] { code = listLog(inspect); });
    auto* walDump = wal->add_subcommand("dump", "every frame: blocks and batch records");
    walDump->add_option("--after", inspect.afterLsn, "only frames behind this LSN")
        ->check(CLI::NonNegativeNumber);
    common(walDump);
    walDump->footer("Example: tidemill wal dump --after 1000 --data-dir wordcount.data");
    walDump->callback([&] { code = dumpLogFrames(inspect); });
    auto* walVerify = wal->add_subcommand("verify", "check every byte; exit code 5 when it finds damage");
    common(walVerify);
    walVerify->footer("Example: tidemill wal verify --data-dir wordcount.data");
    walVerify->callback([&] { code = verifyLog(inspect); });

    auto* checkpoint = app.add_subcommand("checkpoint", "look at the checkpoints");
    checkpoint->require_subcommand(1);
    checkpoint->footer("Exit code 5: verify has found damage.\n"
                       "Example: tidemill checkpoint list --data-dir wordcount.data");
    auto* checkpointList = checkpoint->add_subcommand("list", "newest first");
    common(checkpointList);
    checkpointList->footer("Example: tidemill checkpoint list --data-dir wordcount.data");
    checkpointList->callback([&] { code = listCheckpoints(inspect, false); });
    auto* checkpointVerify = checkpoint->add_subcommand("verify", "read and check every file; exit code 5 when it finds damage");
    common(checkpointVerify);
    checkpointVerify->footer("Example: tidemill checkpoint verify --data-dir wordcount.data");
    checkpointVerify->callback([&] { code = listCheckpoints(inspect, true); });

    // `tidemill help state` is `tidemill state --help`.
    std::vector<const char*> arguments(argv, argv + argc);
    if (argc > 1 && std::string_view(argv[1]) == "help") {
        arguments.erase(arguments.begin() + 1);
        arguments.push_back("--help");
    }
    try {
        app.parse(static_cast<int>(arguments.size()), arguments.data());
    } catch (const CLI::ParseError& error) {
        return fail(app, error, argc);
    }
    return code;
}
