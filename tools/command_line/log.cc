// The arguments of `tidemill wal`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"

namespace tidemill::tools {

void addLog(CLI::App& app, int& code) {
    const auto inspect = std::make_shared<InspectOptions>();
    auto* wal = app.add_subcommand("wal", "look into the write-ahead log");
    wal->require_subcommand(1);
    wal->footer(
        "Exit codes: 1 no data directory; 4 of a newer version; 5 verify has found damage.\n"
        "Example: tidemill wal verify --data-dir wordcount_acknowledged.data");
    auto* walList = wal->add_subcommand("list", "the segments and what they hold");
    addInspection(*walList, *inspect);
    walList->footer("Example: tidemill wal list --data-dir wordcount_acknowledged.data");
    walList->callback([&code, inspect] { code = listLog(*inspect); });
    auto* walDump = wal->add_subcommand("dump", "every frame: blocks and batch records");
    walDump->add_option("--after", inspect->afterLsn, "only frames behind this LSN")
        ->check(CLI::NonNegativeNumber)
        ->option_text("LSN");
    addInspection(*walDump, *inspect);
    walDump->footer("Example: tidemill wal dump --after 1 --data-dir wordcount_acknowledged.data");
    walDump->callback([&code, inspect] { code = dumpLogFrames(*inspect); });
    auto* walVerify =
        wal->add_subcommand("verify", "check every byte; exit code 5 when it finds damage");
    addInspection(*walVerify, *inspect);
    walVerify->footer("Example: tidemill wal verify --data-dir wordcount_acknowledged.data");
    walVerify->callback([&code, inspect] { code = verifyLog(*inspect); });
}

}  // namespace tidemill::tools
