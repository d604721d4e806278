// The tidemill program: its command line. What the subcommands do is in *_command.cc.
#include <malloc.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>

#include "core/standard_streams.h"
#include "core/stop_signals.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/help_text.h"
#include "tools/toml_table.h"

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

int fail(const CLI::App& app, const CLI::ParseError& error, int argc) {
    using namespace tidemill::tools;
    if (error.get_exit_code() == 0) {
        app.exit(error);  // --help and --version
        return kExitDone;
    }
    if (argc == 1) std::fputs(app.help().c_str(), stderr);
    else if (!reportedUnknown(app)) sayWrong(app, error);
    return kExitUsage;
}

// Before anything else, the libraries' own starts included: a signal that comes in the first
// milliseconds waits until `run` can stop gracefully. It needs nothing that is not there yet.
void holdSignalsBack(int, char**, char**) { tidemill::core::StopSignals::holdBack(); }
[[gnu::section(".preinit_array"), gnu::used]] void (*const kFirst)(int, char**,
                                                                   char**) = holdSignalsBack;

}  // namespace

int main(int argc, char** argv) {
    tidemill::core::holdStandardStreams();
    if (argc < 2 || std::string_view(argv[1]) != "run") tidemill::core::StopSignals::letThrough();
    // Left to itself glibc comes to take blocks of megabytes from heaps, which they tear: 10
    // million keys within 64 MiB then held 255 MiB instead of 150.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    using namespace tidemill::tools;
    ::umask(077);
    CLI::App app(kDescription, "tidemill");
    app.set_version_flag("--version", TIDEMILL_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(kExitCodes);
    app.get_formatter()->column_width(32);

    int code = kExitDone;
    RunOptions run;
    auto* runCommand = app.add_subcommand("run", "run a job file in the foreground");
    runCommand->add_option("JOB.toml", run.jobFile, "the job; see docs/job_file.md")
        ->required()
        ->option_text(" ");
    runCommand
        ->add_option("--data-dir", run.dataDirectory,
                     "where log, state and checkpoints live; made when it is missing\n"
                     "(default: the job's data_dir, else ./NAME.data)")
        ->option_text("DIR");
    runCommand
        ->add_option("--workers", run.workers,
                     "threads that process batches, 0 to 1024; 0: one per core\n"
                     "(default: the job's, else 0)")
        ->check(CLI::Range(0, 1024))
        ->option_text("N");
    runCommand->add_flag("--check", run.checkOnly,
                         "say what the job file means, or all that is wrong with it,\n"
                         "and run nothing");
    runCommand->add_flag("--adopt", run.adopt,
                         "take over a data directory that belongs to a job of another name");
    runCommand->add_flag("--drop-mismatched-state", run.dropMismatchedState,
                         "start although a table's types, or what it holds, have changed.\n"
                         "Such tables begin EMPTY: what they held, all totals, is gone");
    runCommand
        ->add_option("--skip-record", run.skipRecords,
                     "go on without record number LINE of the log's block LSN, as the\n"
                     "message of the failed batch names it (120:4); may be given\n"
                     "several times")
        ->expected(1)
        ->take_all()
        ->option_text("LSN:LINE");
    runCommand
        ->add_option("--quarantine", run.quarantineBatch,
                     "go on without the records of this batch that a step cannot take")
        ->option_text("BATCH");
    runCommand
        ->add_option("--skip-batch", run.skipBatch,
                     "go on without all records of this batch; none of them counts")
        ->option_text("BATCH");
    runCommand->footer(kRunFooter);
    runCommand->callback([&] { code = runJob(run); });

    SendCommandOptions send;
    auto* sendCommand =
        app.add_subcommand("send", "send lines to a listen_acknowledged source, exactly once");
    sendCommand
        ->add_option("--session", send.session,
                     "required: this sender's own name; the same again when the sender\n"
                     "is started again")
        ->required()
        ->option_text("NAME");
    sendCommand
        ->add_option("SERVER", send.server, "HOST:PORT, [IPV6]:PORT, or PORT on this machine")
        ->required()
        ->option_text(" ");
    sendCommand->add_option("FILE", send.file, "what to send (default, or \"-\": standard input)")
        ->option_text(" ");
    sendCommand->add_flag("--live", send.live,
                          "the input's first line comes behind what the session has: for\n"
                          "pipes that cannot begin again");
    sendCommand->add_option("--rate", send.bytesPerSecond, "send at most so many bytes a second")
        ->check(CLI::NonNegativeNumber)
        ->option_text("BYTES");
    sendCommand->footer(kSendFooter);
    sendCommand->callback([&] { code = sendLines(send); });

    ControlOptions control;
    const auto ofDaemon = [&](CLI::App* command) {
        command
            ->add_option("--data-dir", control.dataDirectory,
                         "required: the data directory of the job")
            ->required()
            ->option_text("DIR");
    };
    const auto jsonOfDaemon = [&](CLI::App* command) {
        command->add_flag("--json", control.json, "one JSON object a line");
    };
    auto* status =
        app.add_subcommand("status", "what the job that runs does, and whether it is well");
    ofDaemon(status);
    jsonOfDaemon(status);
    status->add_flag("--watch", control.watch, "again every 2 s, until the job ends");
    status->footer(kStatusFooter);
    status->callback([&] { code = showStatus(control); });
    auto* stop = app.add_subcommand("stop", "stop the job that runs, and wait until it has");
    ofDaemon(stop);
    stop->add_flag("--now", control.now,
                   "without processing what was received first; the next start does");
    stop->footer(
        "Exit codes: 0 it has stopped; 1 no job runs there; 4 it does not answer.\n"
        "Example: tidemill stop --data-dir wordcount_acknowledged.data");
    stop->callback([&] { code = stopDaemon(control); });

    InspectOptions inspect;
    const auto common = [&](CLI::App* command) {
        command
            ->add_option("--data-dir", inspect.dataDirectory, "required: the job's data directory")
            ->required()
            ->option_text("DIR");
        command->add_flag("--json", inspect.json, "one JSON object a line");
    };
    const auto table = [&](CLI::App* command) {
        command->add_option("TABLE", inspect.table, "name of the state table; see state list")
            ->required()
            ->option_text(" ");
    };
    auto* state = app.add_subcommand("state", "look into the state of the newest checkpoint");
    state->require_subcommand(1);
    state->footer(
        "Exit codes: 1 no data directory, checkpoint, table or key; 4 of a newer version; 5 "
        "damaged.\n"
        "Example: tidemill state export totals --data-dir wordcount_acknowledged.data");
    auto* stateList = state->add_subcommand("list", "the tables, their types, rows and sizes");
    common(stateList);
    stateList->footer("Example: tidemill state list --data-dir wordcount_acknowledged.data");
    stateList->callback([&] { code = listState(inspect); });
    auto* stateGet = state->add_subcommand("get", "the value of one key");
    table(stateGet);
    stateGet->add_option("KEY", inspect.key, "as `state export` prints it")
        ->required()
        ->option_text(" ");
    common(stateGet);
    stateGet->footer(
        "Example: tidemill state get totals tide --data-dir wordcount_acknowledged.data");
    stateGet->callback([&] { code = getState(inspect); });
    const auto asOf = [&](CLI::App* command) {
        command
            ->add_option("--as-of", inspect.asOf,
                         "of the newest checkpoint of this batch or an older one")
            ->option_text("BATCH");
    };
    asOf(stateList);
    asOf(stateGet);
    auto* stateScan = state->add_subcommand("scan", "a part of a table, sorted by key");
    table(stateScan);
    stateScan->add_option("--prefix", inspect.prefix, "only keys that begin with this")
        ->option_text("TEXT");
    stateScan->add_option("--from", inspect.from, "only keys from this one on")->option_text("KEY");
    stateScan->add_option("--to", inspect.to, "only keys before this one")->option_text("KEY");
    stateScan->add_option("--limit", inspect.limit, "at most so many rows (default: 100); 0: all")
        ->default_val(100)
        ->check(CLI::NonNegativeNumber)
        ->option_text("N");
    asOf(stateScan);
    common(stateScan);
    stateScan->footer(
        "Example: tidemill state scan totals --prefix ti --limit 20 --data-dir "
        "wordcount_acknowledged.data");
    stateScan->callback([&] { code = scanState(inspect); });
    auto* stateExport = state->add_subcommand("export", "a whole table, sorted by key bytes");
    table(stateExport);
    asOf(stateExport);
    common(stateExport);
    stateExport->footer(
        "Example: tidemill state export totals --data-dir wordcount_acknowledged.data --json");
    stateExport->callback([&] {
        inspect.limit = 0;
        code = scanState(inspect);
    });

    auto* stateTop = state->add_subcommand("top", "the rows with the largest values");
    table(stateTop);
    stateTop
        ->add_option("--by", inspect.by, "the column to order by (default: the value, of counts)")
        ->option_text("COLUMN");
    stateTop->add_option("--limit", inspect.limit, "so many rows (default: 10)")
        ->default_val(10)
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    asOf(stateTop);
    common(stateTop);
    stateTop->footer("Example: tidemill state top totals --data-dir wordcount_acknowledged.data");
    stateTop->callback([&] { code = topOfState(inspect); });
    auto* stateHistory =
        state->add_subcommand("history", "the value of one key in every checkpoint there is");
    table(stateHistory);
    stateHistory->add_option("KEY", inspect.key, "as `state export` prints it")
        ->required()
        ->option_text(" ");
    common(stateHistory);
    stateHistory->footer(
        "Example: tidemill state history totals tide --data-dir wordcount_acknowledged.data");
    stateHistory->callback([&] { code = historyOfState(inspect); });
    auto* stateDiff = state->add_subcommand("diff", "what differs between two checkpoints");
    stateDiff->add_option("TABLE", inspect.table, "only this table")->option_text(" ");
    stateDiff->add_option("--before", inspect.before, "batch of the older one (default: the next)")
        ->option_text("BATCH");
    stateDiff->add_option("--as-of", inspect.asOf, "batch of the newer one (default: the newest)")
        ->option_text("BATCH");
    stateDiff->add_option("--limit", inspect.limit, "at most so many rows a table (default: 100)")
        ->default_val(100)
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    common(stateDiff);
    stateDiff->footer("Example: tidemill state diff --data-dir wordcount_acknowledged.data");
    stateDiff->callback([&] { code = differenceOfState(inspect); });

    auto* fsck = app.add_subcommand("fsck", "check every byte of log and checkpoints");
    common(fsck);
    fsck->footer(
        "Exit codes: 0 all is sound; 1 no data directory; 4 of a newer version; 5 damaged.\n"
        "Example: tidemill fsck --data-dir wordcount_acknowledged.data");
    fsck->callback([&] { code = checkDirectory(inspect); });
    VerifyOptions verify;
    auto* verifyCommand =
        app.add_subcommand("verify", "derive the state again from the log, on a copy, and compare");
    verifyCommand->add_option("JOB.toml", verify.jobFile, "the job that ran on the directory")
        ->required()
        ->option_text(" ");
    verifyCommand
        ->add_option("--data-dir", verify.dataDirectory,
                     "the job's data directory\n(default: the job's data_dir, else ./NAME.data)")
        ->option_text("DIR");
    verifyCommand
        ->add_option("--from", verify.from,
                     "begin with the checkpoint of this batch (default: the oldest)")
        ->option_text("BATCH");
    verifyCommand
        ->add_option("--scratch", verify.scratch,
                     "where to work; must not exist, and is removed in the end\n"
                     "(default: beside the data directory)")
        ->option_text("DIR");
    verifyCommand->add_option("--workers", verify.workers, "threads; 0: one per core")
        ->check(CLI::Range(0, 1024))
        ->option_text("N");
    verifyCommand->add_flag("--json", verify.json, "one JSON object a line");
    verifyCommand->footer(kVerifyFooter);
    verifyCommand->callback([&] { code = verifyState(verify); });

    auto* wal = app.add_subcommand("wal", "look into the write-ahead log");
    wal->require_subcommand(1);
    wal->footer(
        "Exit codes: 1 no data directory; 4 of a newer version; 5 verify has found damage.\n"
        "Example: tidemill wal verify --data-dir wordcount_acknowledged.data");
    auto* walList = wal->add_subcommand("list", "the segments and what they hold");
    common(walList);
    walList->footer("Example: tidemill wal list --data-dir wordcount_acknowledged.data");
    walList->callback([&] { code = listLog(inspect); });
    auto* walDump = wal->add_subcommand("dump", "every frame: blocks and batch records");
    walDump->add_option("--after", inspect.afterLsn, "only frames behind this LSN")
        ->check(CLI::NonNegativeNumber)
        ->option_text("LSN");
    common(walDump);
    walDump->footer("Example: tidemill wal dump --after 1 --data-dir wordcount_acknowledged.data");
    walDump->callback([&] { code = dumpLogFrames(inspect); });
    auto* walVerify =
        wal->add_subcommand("verify", "check every byte; exit code 5 when it finds damage");
    common(walVerify);
    walVerify->footer("Example: tidemill wal verify --data-dir wordcount_acknowledged.data");
    walVerify->callback([&] { code = verifyLog(inspect); });

    auto* checkpoint = app.add_subcommand("checkpoint", "look at the checkpoints, or make one");
    checkpoint->require_subcommand(1);
    checkpoint->footer(
        "Exit codes: 1 no data directory; 4 of a newer version; 5 verify has found damage.\n"
        "Example: tidemill checkpoint list --data-dir wordcount_acknowledged.data");
    auto* checkpointList = checkpoint->add_subcommand("list", "newest first");
    common(checkpointList);
    checkpointList->footer(
        "Example: tidemill checkpoint list --data-dir wordcount_acknowledged.data");
    checkpointList->callback([&] { code = listCheckpoints(inspect, false); });
    auto* checkpointVerify = checkpoint->add_subcommand(
        "verify", "read and check every file; exit code 5 when it finds damage");
    common(checkpointVerify);
    checkpointVerify->footer(
        "Example: tidemill checkpoint verify --data-dir wordcount_acknowledged.data");
    checkpointVerify->callback([&] { code = listCheckpoints(inspect, true); });

    auto* checkpointNow = checkpoint->add_subcommand(
        "now", "have the job that runs make one, and wait until it is published");
    ofDaemon(checkpointNow);
    jsonOfDaemon(checkpointNow);
    checkpointNow->footer(
        "Example: tidemill checkpoint now --data-dir wordcount_acknowledged.data");
    checkpointNow->callback([&] { code = makeCheckpoint(control); });

    BackupOptions copy;
    const auto ofCopy = [&](CLI::App* command) {
        command->add_flag("--json", copy.json, "one JSON object a line");
    };
    auto* backup = app.add_subcommand("backup", "copy a data directory, while its job runs or not");
    backup->add_option("TO", copy.to, "the copy; must not exist, its parent must")
        ->required()
        ->option_text(" ");
    backup->add_option("--data-dir", copy.from, "required: the job's data directory")
        ->required()
        ->option_text("DIR");
    ofCopy(backup);
    backup->footer(kBackupFooter);
    backup->callback([&] { code = backUpDirectory(copy); });
    auto* restore = app.add_subcommand("restore", "make a data directory from a backup");
    restore->add_option("FROM", copy.from, "a copy that backup has made")
        ->required()
        ->option_text(" ");
    restore->add_option("--data-dir", copy.to, "required: where a job is to run; must not exist")
        ->required()
        ->option_text("DIR");
    ofCopy(restore);
    restore->footer(
        "The backup stays as it is. Start the job on the directory as always.\n"
        "Exit codes: as of backup.\n"
        "Example: tidemill restore sunday.backup --data-dir wordcount_acknowledged.restored");
    restore->callback([&] { code = restoreDirectory(copy); });

    DeadLetterOptions letters;
    auto* deadLetters =
        app.add_subcommand("dead_letters", "the records that a job has gone on without");
    deadLetters->require_subcommand(1);
    deadLetters->footer(
        "Exit codes: 1 no data directory; 5 damaged; of resend those of send, 8 also when some records "
        "cannot be sent as lines.\n"
        "Example: tidemill dead_letters list --data-dir wordcount_acknowledged.data");
    const auto ofLetters = [&](CLI::App* command) {
        command
            ->add_option("--data-dir", letters.dataDirectory, "required: the job's data directory")
            ->required()
            ->option_text("DIR");
        command->add_option("--batch", letters.batch, "only those of this batch")
            ->check(CLI::NonNegativeNumber)
            ->option_text("BATCH");
    };
    auto* lettersList =
        deadLetters->add_subcommand("list", "how many of each batch, and the first");
    ofLetters(lettersList);
    lettersList->add_flag("--json", letters.json, "one JSON object a line");
    lettersList->footer(
        "Example: tidemill dead_letters list --data-dir wordcount_acknowledged.data");
    lettersList->callback([&] { code = listDeadLetters(letters); });
    auto* lettersShow =
        deadLetters->add_subcommand("show", "the records, and what is wrong with them");
    ofLetters(lettersShow);
    lettersShow->add_flag("--json", letters.json, "one JSON object a line");
    lettersShow->add_option("--limit", letters.limit, "at most so many (default: 100); 0: all")
        ->default_val(100)
        ->check(CLI::NonNegativeNumber)
        ->option_text("N");
    lettersShow->footer(
        "Example: tidemill dead_letters show --batch 7 --data-dir wordcount_acknowledged.data");
    lettersShow->callback([&] { code = showDeadLetters(letters); });
    SendCommandOptions resend;
    auto* lettersResend = deadLetters->add_subcommand(
        "resend", "send the records again to a listen_acknowledged source");
    ofLetters(lettersResend);
    lettersResend
        ->add_option("--session", resend.session,
                     "required: a session's name; the same again sends no record twice")
        ->required()
        ->option_text("NAME");
    lettersResend
        ->add_option("SERVER", resend.server, "HOST:PORT, [IPV6]:PORT, or PORT on this machine")
        ->required()
        ->option_text(" ");
    lettersResend->footer(
        "Example: tidemill dead_letters resend 9998 --session mended --batch 7 --data-dir "
        "wordcount_acknowledged.data");
    lettersResend->callback([&] { code = resendDeadLetters(letters, resend); });

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
