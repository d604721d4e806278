// tidemill state top, history and diff: what is large in a state, and how it changed.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/tables/difference.h"
#include "tools/tables/stored_state.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using recovery::GenerationSummary;
using Json = nlohmann::ordered_json;

namespace {

Result<> top(const InspectOptions& options) {
    TM_ASSIGN(const auto reader, openState(options));
    TM_ASSIGN(const auto rows, largestRows(*reader, options.table, options.by, options.limit));
    for (const auto& row : rows) put(options.json ? "{" + row.members + "}\n" : row.line);
    return {};
}

Result<> history(const InspectOptions& options) {
    TM_ASSIGN(const auto all, historyOf(options.dataDirectory, options.table, options.key));
    bool found = false;
    for (const auto& past : all) {
        found |= past.row.has_value();
        const auto batch = std::to_string(past.batch);
        if (options.json)
            put("{\"batch\": " + batch + ", \"time_ms\": " + std::to_string(past.timeMillis) +
                ", " + (past.row ? past.row->members : "\"present\": false") + "}\n");
        else put("batch " + batch + "\t" + (past.row ? past.row->line : "(not there)\n"));
    }
    if (found) return {};
    return core::fail(ErrorKind::kNotFound, "no key \"" + options.key + "\" in table " +
                                                options.table + " in any checkpoint");
}

// The checkpoint of a batch, or the error that names those there are.
Result<std::unique_ptr<state::StateReader>> open(const std::vector<GenerationSummary>& all,
                                                 std::uint64_t batch) {
    std::string batches;
    for (const auto& checkpoint : all) {
        if (checkpoint.name.batch.value == batch) return state::StateReader::open(checkpoint.path);
        batches += (batches.empty() ? "" : ", ") + core::toString(checkpoint.name.batch);
    }
    return core::fail(ErrorKind::kNotFound, "no checkpoint of batch " + std::to_string(batch) +
                                                "; there are those of batches " + batches);
}

Result<std::string> inJson(TableText& text, const std::string& table, const RowDifference& row) {
    const auto side = [&](const std::optional<std::string_view>& value) -> Result<std::string> {
        if (!value) return std::string("null");
        TM_ASSIGN(const auto members, text.members(row.key, *value));
        return "{" + members + "}";
    };
    TM_ASSIGN(const auto before, side(row.before));
    TM_ASSIGN(const auto after, side(row.after));
    return "{\"table\": " + Json(table).dump() + ", \"before\": " + before +
           ", \"after\": " + after + "}\n";
}

Result<std::string> inWords(TableText& text, const RowDifference& row) {
    std::string lines;
    if (row.before) {
        TM_ASSIGN(const auto before, text.line(false, row.key, *row.before));
        lines += "- " + before;
    }
    if (row.after) {
        TM_ASSIGN(const auto after, text.line(false, row.key, *row.after));
        lines += "+ " + after;
    }
    return lines;
}

Result<> difference(const InspectOptions& options) {
    TM_ASSIGN(const auto all, readableCheckpoints(options.dataDirectory));
    std::uint64_t after = options.asOf.value_or(all.back().name.batch.value);
    if (!options.asOfSavepoint.empty()) {
        TM_ASSIGN(after, batchOfSavepoint(options.dataDirectory, options.asOfSavepoint));
    }
    std::uint64_t before = options.before.value_or(after);
    if (!options.before)
        for (const auto& checkpoint : all)
            if (checkpoint.name.batch.value < after) before = checkpoint.name.batch.value;
    if (before == after)
        return core::fail(ErrorKind::kNotFound, "there is no older checkpoint than that of batch " +
                                                    std::to_string(after));
    TM_ASSIGN(const auto older, open(all, before));
    TM_ASSIGN(const auto newer, open(all, after));
    std::fprintf(stderr, "from batch %llu to batch %llu\n", static_cast<unsigned long long>(before),
                 static_cast<unsigned long long>(after));
    TM_ASSIGN(const auto tables, tablesOf(*older, *newer));
    Result<> outcome;
    for (const auto& table : tables) {
        const auto& name = table.any().operatorName;
        if (table.any().number != 0 || (!options.table.empty() && name != options.table)) continue;
        TableText text(table.any());
        bool first = !options.json;
        std::uint64_t told = 0;
        TM_ASSIGN(
            const auto compared, compareTable(*older, *newer, table, [&](const RowDifference& row) {
                if (std::exchange(first, false)) put(name + "\n");
                const auto shown = options.json ? inJson(text, name, row) : inWords(text, row);
                if (!shown) outcome = core::fail(shown.error());
                return shown && put(*shown) && ++told != options.limit;
            }));
        if (!options.json && compared.differences > told)
            put("… and " + std::to_string(compared.differences - told) + " more rows\n");
        TM_TRY(std::move(outcome));
    }
    return {};
}

int finish(const Result<>& result) {
    if (!result) return sayFailure(result.error());
    return finishOutput();
}

}  // namespace

int topOfState(const InspectOptions& options) { return finish(top(options)); }
int historyOfState(const InspectOptions& options) { return finish(history(options)); }
int differenceOfState(const InspectOptions& options) { return finish(difference(options)); }

}  // namespace tidemill::tools
