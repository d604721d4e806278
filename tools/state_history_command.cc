// tidemill state top, history and diff: what is large in a state, and how it changed.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <queue>

#include "tools/commands.h"
#include "tools/exit_code.h"
#include "tools/inspect_command.h"
#include "tools/tables/difference.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using recovery::GenerationSummary;
using Json = nlohmann::ordered_json;

namespace {

// The number that a row is ordered by.
class RowNumber {
public:
    explicit RowNumber(std::string column) : column_(std::move(column)) {}

    // None: it is null, or no number.
    std::optional<double> of(const std::string& members) {
        const auto row = Json::parse("{" + members + "}", nullptr, false);
        if (!row.is_object()) return std::nullopt;
        for (const auto& [name, value] : row.items()) {
            if (column_.empty() ? name != "value" : name != column_) continue;
            known_ = true;
            if (value.is_number()) return value.get<double>();
        }
        return std::nullopt;
    }

    // Errors: kInvalid, when rows were seen and none had the column.
    Result<> wasThere(const std::string& members) const {
        if (known_ || members.empty()) return {};
        const auto row = Json::parse("{" + members + "}", nullptr, false);
        std::string names;
        if (row.is_object())
            for (const auto& [name, value] : row.items())
                names += (names.empty() ? "" : ", ") + name;
        return core::fail(ErrorKind::kInvalid,
                          column_.empty()
                              ? "say with --by which column to order by; there are: " + names
                              : "no column \"" + column_ + "\"; there are: " + names);
    }

private:
    const std::string column_;
    bool known_ = false;
};

Result<> top(const InspectOptions& options) {
    TM_ASSIGN(const auto reader, openState(options));
    TM_ASSIGN(const auto table, findTable(*reader, options.table));
    TableText text(table);
    RowNumber number(options.by);
    struct Row {
        double number;
        std::uint64_t place;  // in the order of keys
        std::string line;
    };
    // The first to go is on top: the smallest of the largest, of equal ones the last.
    const auto staysLonger = [](const Row& a, const Row& b) {
        return a.number > b.number || (a.number == b.number && a.place < b.place);
    };
    std::priority_queue<Row, std::vector<Row>, decltype(staysLonger)> largest(staysLonger);
    std::uint64_t place = 0;
    std::string last;
    Result<> outcome;
    TM_TRY(reader->scan(table.operatorId, table.number, {},
                        [&](std::string_view key, std::string_view value) {
                            auto members = text.members(key, value);
                            auto line = text.line(options.json, key, value);
                            if (!members || !line) {
                                outcome = core::fail((members ? line : members).error());
                                return false;
                            }
                            last = std::move(*members);
                            const auto n = number.of(last);
                            const bool full = largest.size() == options.limit;
                            if (!n || (full && *n <= largest.top().number)) return true;
                            if (full) largest.pop();
                            largest.push({*n, place++, std::move(*line)});
                            return true;
                        }));
    TM_TRY(std::move(outcome));
    TM_TRY(number.wasThere(last));
    std::vector<std::string> lines;
    for (; !largest.empty(); largest.pop()) lines.push_back(largest.top().line);
    std::for_each(lines.rbegin(), lines.rend(), put);
    return {};
}

// Oldest first, those that can be read.
Result<std::vector<GenerationSummary>> checkpoints(const InspectOptions& options) {
    TM_ASSIGN(auto all,
              recovery::inspectGenerations(core::posixFileSystem(), options.dataDirectory));
    std::erase_if(all, [](const auto& generation) { return !generation.problem.empty(); });
    std::reverse(all.begin(), all.end());
    if (all.empty())
        return core::fail(ErrorKind::kNotFound,
                          "no checkpoint yet: directory=" + options.dataDirectory);
    return all;
}

Result<> history(const InspectOptions& options) {
    TM_ASSIGN(const auto all, checkpoints(options));
    bool found = false;
    for (const auto& checkpoint : all) {
        auto reader = state::StateReader::open(checkpoint.path);
        if (!reader) continue;  // removed meanwhile
        const auto table = findTable(**reader, options.table);
        if (!table && &checkpoint == &all.back()) return core::fail(table.error());
        if (!table) continue;
        TableText text(*table);
        TM_ASSIGN(const auto key, text.keyOf(options.key));
        TM_ASSIGN(const auto value, (*reader)->get(table->operatorId, table->number, key));
        found |= value.has_value();
        const auto& mark = (*reader)->mark();
        const std::string batch = core::toString(mark.batch);
        if (options.json) {
            std::string row = "\"present\": false";
            if (value) {
                TM_ASSIGN(row, text.members(key, *value));
            }
            put("{\"batch\": " + batch + ", \"time_ms\": " + std::to_string(toMillis(mark.time)) +
                ", " + row + "}\n");
        } else {
            std::string row = "(not there)\n";
            if (value) {
                TM_ASSIGN(row, text.line(false, key, *value));
            }
            put("batch " + batch + "\t" + row);
        }
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
    TM_ASSIGN(const auto all, checkpoints(options));
    const auto after = options.asOf.value_or(all.back().name.batch.value);
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
