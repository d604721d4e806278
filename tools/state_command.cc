// tidemill state: looks into the newest checkpoint.
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "core/format.h"
#include "core/standard_streams.h"
#include "rows/json.h"
#include "state/operators/bound_table.h"
#include "state/state_store.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/tables/stored_state.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;

namespace {

constexpr std::size_t kOutputBytes = 64 << 10;

// What put() collects, and how writing it went.
std::string pendingOutput;
Result<> outputResult;

void writeOutput() {
    if (outputResult)
        outputResult = core::writeFully(STDOUT_FILENO, pendingOutput, "standard output");
    pendingOutput.clear();
}

}  // namespace

bool put(const std::string& text) {
    pendingOutput += text;
    if (pendingOutput.size() >= kOutputBytes) writeOutput();
    return outputResult.has_value();
}

int finishOutput() {
    writeOutput();
    return outputResult ? kExitDone : sayFailure(outputResult.error());
}

Result<std::unique_ptr<state::StateReader>> openState(const InspectOptions& options) {
    auto asOf = options.asOf;
    if (!options.asOfSavepoint.empty()) {
        TM_ASSIGN(asOf, batchOfSavepoint(options.dataDirectory, options.asOfSavepoint));
    }
    TM_ASSIGN(auto reader, openNewest(options.dataDirectory, asOf));
    const auto& mark = reader->mark();
    const auto later =
        recovery::loggedRecordsAfter(core::posixFileSystem(), options.dataDirectory, mark.endLsn);
    std::fprintf(stderr, "state of batch %llu (time %lld ms); %s logged records are not in it\n",
                 static_cast<unsigned long long>(mark.batch.value),
                 static_cast<long long>(toMillis(mark.time)),
                 later ? std::to_string(*later).c_str() : "an unknown number of");
    return reader;
}

namespace {

Result<> list(const InspectOptions& options) {
    TM_ASSIGN(const auto reader, openState(options));
    TM_ASSIGN(auto all, reader->tables(true));
    std::vector<state::TableSummary> tables;
    std::size_t widest = std::strlen("table");
    for (auto& table : all) {
        if (!nameTable(table)) continue;
        if (table.operatorId != core::kSystemOperator && table.number == 0)
            TM_TRY(addLifetime(*reader, table));
        widest = std::max(widest, table.operatorName.size());
        tables.push_back(std::move(table));
    }
    if (!options.json)
        put(fmt::format("{:<{}} {:>12} {:>15}  types\n", "table", widest, "rows", "bytes"));
    for (const auto& table : tables) {
        if (options.json) {
            std::string line = "{";
            rows::appendJsonBytes(line, "table", table.operatorName);
            line += ", \"rows\": " + std::to_string(table.rows) +
                    ", \"bytes\": " + std::to_string(table.bytes) + ", ";
            rows::appendJsonBytes(line, "types", table.signature);
            put(line + "}\n");
        } else {
            put(fmt::format("{:<{}} {:>12} {:>15}  {}\n", table.operatorName, widest, table.rows,
                            table.bytes, table.signature));
        }
    }
    return {};
}

Result<> get(const InspectOptions& options) {
    TM_ASSIGN(const auto reader, openState(options));
    TM_ASSIGN(const auto table, findTable(*reader, options.table));
    TableText text(table);
    TM_ASSIGN(const auto key, text.keyOf(options.key));
    TM_ASSIGN(const auto value, reader->get(table.operatorId, table.number, key));
    if (!value)
        return core::fail(ErrorKind::kNotFound,
                          "no key \"" + options.key + "\" in table " + options.table);
    TM_ASSIGN(const auto line, text.line(options.json, key, *value));
    put(line);
    return {};
}

Result<> scan(const InspectOptions& options) {
    TM_ASSIGN(const auto reader, openState(options));
    TM_ASSIGN(const auto table, findTable(*reader, options.table));
    TableText text(table);
    std::string from, to;
    if (!options.from.empty()) {
        TM_ASSIGN(from, text.keyOf(options.from));
    }
    if (!options.to.empty()) {
        TM_ASSIGN(to, text.keyOf(options.to));
    }
    state::ScanOptions range;
    range.prefix = options.prefix;
    range.from = from;
    range.to = to;
    if (options.limit != 0) range.limit = options.limit;
    Result<> outcome;
    TM_TRY(reader->scan(table.operatorId, table.number, range,
                        [&](std::string_view key, std::string_view value) {
                            const auto line = text.line(options.json, key, value);
                            if (!line) outcome = core::fail(line.error());
                            return line && put(*line);
                        }));
    return outcome;
}

int finish(const Result<>& result) {
    if (!result) return sayFailure(result.error());
    return finishOutput();
}

}  // namespace

int listState(const InspectOptions& options) { return finish(list(options)); }
int getState(const InspectOptions& options) { return finish(get(options)); }
int scanState(const InspectOptions& options) { return finish(scan(options)); }

}  // namespace tidemill::tools
