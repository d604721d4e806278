// The tidemill program: its command line. What its commands take is in
// command_line/, what they do in *_command.cc.
#include <malloc.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "core/standard_streams.h"
#include "core/stop_signals.h"
#include "tools/command_line/add_commands.h"
#include "tools/command_line/wrong_arguments.h"
#include "tools/exit_code.h"
#include "tools/help_text.h"

namespace {

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
    addRun(app, code);
    addTest(app, code);
    addPlan(app, code);
    addSend(app, code);
    addDaemon(app, code);
    addState(app, code);
    addChecks(app, code);
    addPast(app, code);
    addKillTest(app, code);
    addLog(app, code);
    addCheckpoint(app, code);
    addSavepoint(app, code);
    addBackup(app, code);
    addDeadLetters(app, code);

    // `tidemill help state` is `tidemill state --help`.
    std::vector<const char*> arguments(argv, argv + argc);
    if (argc > 1 && std::string_view(argv[1]) == "help") {
        arguments.erase(arguments.begin() + 1);
        arguments.push_back("--help");
    }
    try {
        app.parse(static_cast<int>(arguments.size()), arguments.data());
    } catch (const CLI::ParseError& error) {
        return reportParseEnd(app, error, argc);
    }
    return code;
}
