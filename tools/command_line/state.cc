// The arguments of `tidemill state`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"

namespace tidemill::tools {

void addState(CLI::App& app, int& code) {
    const auto inspect = std::make_shared<InspectOptions>();
    const auto common = [&](CLI::App* command) { addInspection(*command, *inspect); };
    const auto table = [&](CLI::App* command) {
        command->add_option("TABLE", inspect->table, "name of the state table; see state list")
            ->required()
            ->option_text(" ");
    };
    const auto asOf = [&](CLI::App* command) {
        addAsOf(*command, *inspect,
                "of the newest checkpoint of this batch or an older one,\nor of this savepoint");
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
    stateList->callback([&code, inspect] { code = listState(*inspect); });
    auto* stateGet = state->add_subcommand("get", "the value of one key");
    table(stateGet);
    stateGet->add_option("KEY", inspect->key, "as `state export` prints it")
        ->required()
        ->option_text(" ");
    common(stateGet);
    stateGet->footer(
        "Example: tidemill state get totals tide --data-dir wordcount_acknowledged.data");
    stateGet->callback(
        [&code, inspect] { code = inspect->live ? getLiveState(*inspect) : getState(*inspect); });
    asOf(stateList);
    asOf(stateGet);
    stateGet
        ->add_flag("--live", inspect->live,
                   "of the job that runs, as its last complete batch left it;\n"
                   "needs no checkpoint")
        ->excludes("--as-of");
    auto* stateScan = state->add_subcommand("scan", "a part of a table, sorted by key");
    table(stateScan);
    stateScan->add_option("--prefix", inspect->prefix, "only keys that begin with this")
        ->option_text("TEXT");
    stateScan->add_option("--from", inspect->from, "only keys from this one on")
        ->option_text("KEY");
    stateScan->add_option("--to", inspect->to, "only keys before this one")->option_text("KEY");
    stateScan->add_option("--limit", inspect->limit, "at most so many rows (default: 100); 0: all")
        ->default_val(100)
        ->check(CLI::NonNegativeNumber)
        ->option_text("N");
    asOf(stateScan);
    common(stateScan);
    stateScan->footer(
        "Example: tidemill state scan totals --prefix ti --limit 20 --data-dir "
        "wordcount_acknowledged.data");
    stateScan->callback([&code, inspect] { code = scanState(*inspect); });
    auto* stateExport = state->add_subcommand("export", "a whole table, sorted by key bytes");
    table(stateExport);
    asOf(stateExport);
    common(stateExport);
    stateExport->footer(
        "Example: tidemill state export totals --data-dir wordcount_acknowledged.data --json");
    stateExport->callback([&code, inspect] {
        inspect->limit = 0;
        code = scanState(*inspect);
    });

    auto* stateTop = state->add_subcommand("top", "the rows with the largest values");
    table(stateTop);
    stateTop
        ->add_option("--by", inspect->by, "the column to order by (default: the value, of counts)")
        ->option_text("COLUMN");
    stateTop->add_option("--limit", inspect->limit, "so many rows (default: 10)")
        ->default_val(10)
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    asOf(stateTop);
    common(stateTop);
    stateTop->footer("Example: tidemill state top totals --data-dir wordcount_acknowledged.data");
    stateTop->callback([&code, inspect] { code = topOfState(*inspect); });
    auto* stateHistory =
        state->add_subcommand("history", "the value of one key in every checkpoint there is");
    table(stateHistory);
    stateHistory->add_option("KEY", inspect->key, "as `state export` prints it")
        ->required()
        ->option_text(" ");
    common(stateHistory);
    stateHistory->footer(
        "Example: tidemill state history totals tide --data-dir wordcount_acknowledged.data");
    stateHistory->callback([&code, inspect] { code = historyOfState(*inspect); });
    auto* stateDiff = state->add_subcommand("diff", "what differs between two checkpoints");
    stateDiff->add_option("TABLE", inspect->table, "only this table")->option_text(" ");
    stateDiff->add_option("--before", inspect->before, "batch of the older one (default: the next)")
        ->option_text("BATCH");
    addAsOf(*stateDiff, *inspect, "the newer one (default: the newest)");
    stateDiff->add_option("--limit", inspect->limit, "at most so many rows a table (default: 100)")
        ->default_val(100)
        ->check(CLI::PositiveNumber)
        ->option_text("N");
    common(stateDiff);
    stateDiff->footer("Example: tidemill state diff --data-dir wordcount_acknowledged.data");
    stateDiff->callback([&code, inspect] { code = differenceOfState(*inspect); });
}

}  // namespace tidemill::tools
