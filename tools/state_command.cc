// tidemill state: looks into the newest checkpoint.
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "core/format.h"
#include "core/standard_streams.h"
#include "rows/group_text.h"
#include "rows/json.h"
#include "state/operators/bound_table.h"
#include "state/state_store.h"
#include "tidemill/lineage.h"
#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/typed_bytes.h"

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

Result<std::unique_ptr<state::StateReader>> openNewestState(const std::string& directory) {
    auto& files = core::posixFileSystem();
    // A running job makes new generations and removes old ones meanwhile: look again.
    for (int attempt = 0;; ++attempt) {
        TM_ASSIGN(const auto generations, recovery::inspectGenerations(files, directory));
        core::Error last{ErrorKind::kNotFound,
                         "no checkpoint yet: directory=" + directory +
                             "; a job makes its first one after [checkpoint] interval, 10 s by "
                             "default, or when it is stopped gracefully"};
        for (const auto& generation : generations) {
            if (!generation.problem.empty()) {
                last = {ErrorKind::kCorrupt, generation.problem};
                continue;
            }
            auto reader = state::StateReader::open(generation.path);
            if (!reader) {
                last = reader.error();
                continue;
            }
            const auto& mark = (*reader)->mark();
            const auto later = recovery::loggedRecordsAfter(files, directory, mark.endLsn);
            std::fprintf(stderr,
                         "state of batch %llu (time %lld ms); %s logged records are not in it\n",
                         static_cast<unsigned long long>(mark.batch.value),
                         static_cast<long long>(toMillis(mark.time)),
                         later ? std::to_string(*later).c_str() : "an unknown number of");
            return reader;
        }
        if (generations.empty() || attempt == 5) return core::fail(last);
    }
}

namespace {

// Tidemill's own tables, which the mark does not name.
struct OwnTable {
    const char* name;
    std::uint8_t number;
    const char* types;
};
constexpr OwnTable kOwnTables[] = {
    {"(sessions)", state::kLaneTable, "key=string value=u64"},
    {"(sources)", state::kSourceTable, "key=string"},
};

Result<state::TableSummary> findTable(const state::StateReader& reader, const std::string& name) {
    for (const auto& own : kOwnTables) {
        if (name != own.name) continue;
        state::TableSummary table;
        table.operatorId = core::kSystemOperator;
        table.number = own.number;
        table.signature = own.types;
        return table;
    }
    TM_ASSIGN(auto tables, reader.tables(false));
    const core::OperatorEntry* entry = nullptr;
    std::string known;
    for (const auto& candidate : reader.mark().operators) {
        if (candidate.name == name) entry = &candidate;
        known += (known.empty() ? "" : ", ") + candidate.name;
    }
    if (entry == nullptr)
        return core::fail(ErrorKind::kNotFound,
                          "no state table \"" + name + "\"; there are: " + known);
    state::TableSummary empty;
    empty.operatorId = entry->id;
    empty.operatorName = entry->name;
    empty.signature = splitSignature(entry->signature).signature;
    for (auto& table : tables)
        if (table.operatorId == entry->id && table.number == 0) {
            table.signature = empty.signature;
            return std::move(table);
        }
    return empty;  // declared, and without rows so far
}

// Name and types as `state list` prints them; nullptr for the table that holds the mark.
const OwnTable* ownTable(const state::TableSummary& table) {
    for (const auto& own : kOwnTables)
        if (own.number == table.number) return &own;
    return nullptr;
}

// Of a table that an operator keeps beside the one people look at.
std::string contentOf(const state::TableSummary& table) {
    const bool isWindow = table.signature.find(" window_ms=") != std::string::npos;
    switch (table.number) {
        case 1: return isWindow ? "panes" : "times of the last records, by key";
        case 2: return isWindow ? "panes that are still open" : "timers, by key";
        case 3: return "settings";
        default: return "";
    }
}

// " idle_ms=60000": how long a key may be idle, when that has an end.
Result<> addLifetime(const state::StateReader& reader, state::TableSummary& table) {
    if (table.signature.find(" window_ms=") != std::string::npos) return {};
    const std::string row("\0\0\0\0\0\0\0\1", 8);
    static_assert(state::kLifetimeRow == 1);
    state::ScanOptions lifetime;
    lifetime.prefix = row;
    return reader.scan(table.operatorId, state::kSettingsTable, lifetime,
                       [&](std::string_view, std::string_view millis) {
                           if (!millis.empty())
                               table.signature += " idle_ms=" + std::string(millis);
                           return true;
                       });
}

Result<> list(const InspectOptions& options) {
    TM_ASSIGN(const auto reader, openNewestState(options.dataDirectory));
    TM_ASSIGN(auto tables, reader->tables(true));
    std::size_t widest = std::strlen("table");
    std::erase_if(tables, [](const auto& table) {
        return table.operatorId == core::kSystemOperator && ownTable(table) == nullptr;
    });
    for (auto& table : tables) {
        table.signature = std::string(splitSignature(table.signature).signature);
        if (table.operatorId == core::kSystemOperator) {
            table.operatorName = ownTable(table)->name;
            table.signature = ownTable(table)->types;
        } else if (table.number != 0) {
            table.operatorName += " (internal " + std::to_string(table.number) + ")";
            table.signature = contentOf(table);
        } else {
            TM_TRY(addLifetime(*reader, table));
        }
        widest = std::max(widest, table.operatorName.size());
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

// The rows of a table: keys and values by their types, or columns by name.
class TableText {
public:
    explicit TableText(const state::TableSummary& table)
        : types_(typesOf(table.signature)), groups_(rows::GroupText::of(table.signature)) {}

    Result<std::string> keyOf(const std::string& text) const {
        return groups_ ? groups_->key(text) : typedKey(types_.key, text);
    }

    // One row, as JSON or for people.
    Result<std::string> line(bool isJson, std::string_view key, std::string_view value) {
        if (groups_) {
            TM_ASSIGN(const auto text,
                      isJson ? groups_->json(key, value) : groups_->line(key, value));
            return isJson ? "{" + text + "}\n" : text + "\n";
        }
        if (!isJson)
            return shownKey(types_.key, key) + "\t" + shownValue(types_.value, value) + "\n";
        std::string line = "{";
        appendTypedKey(line, types_.key, key);
        line += ", ";
        appendTypedValue(line, types_.value, value);
        return line + "}\n";
    }

private:
    TableTypes types_;
    std::unique_ptr<rows::GroupText> groups_;
};

Result<> get(const InspectOptions& options) {
    TM_ASSIGN(const auto reader, openNewestState(options.dataDirectory));
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
    TM_ASSIGN(const auto reader, openNewestState(options.dataDirectory));
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
