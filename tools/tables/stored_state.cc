#include "tools/tables/stored_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <queue>

#include "recovery/savepoints.h"
#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;
using recovery::GenerationSummary;
using Json = nlohmann::ordered_json;

namespace {

// Published checkpoints and, where none of its batch is left, savepoints; newest first.
Result<std::vector<GenerationSummary>> withSavepoints(const std::string& directory) {
    auto& files = core::posixFileSystem();
    TM_ASSIGN(auto all, recovery::inspectGenerations(files, directory));
    const recovery::Savepoints savepoints(files, directory);
    TM_ASSIGN(const auto names, savepoints.names());
    for (const auto& name : names) {
        GenerationSummary summary;
        summary.path = savepoints.pathOf(name);
        const auto manifest = savepoints.manifest(name);
        if (!manifest) continue;  // removed meanwhile, or damaged: savepoint list says so
        summary.name = {manifest->mark.batch, 0};
        summary.mark = manifest->mark;
        const bool there = std::any_of(all.begin(), all.end(), [&](const auto& other) {
            return other.name.batch == summary.name.batch && other.problem.empty();
        });
        if (!there) all.push_back(std::move(summary));
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.name > b.name; });
    return all;
}

}  // namespace

Result<std::uint64_t> batchOfSavepoint(const std::string& directory, const std::string& name) {
    const recovery::Savepoints savepoints(core::posixFileSystem(), directory);
    TM_ASSIGN(const auto manifest, savepoints.manifest(name));
    return manifest.mark.batch.value;
}

Result<std::unique_ptr<state::StateReader>> openNewest(const std::string& directory,
                                                       const std::optional<std::uint64_t>& asOf) {
    auto& files = core::posixFileSystem();
    // A running job makes new generations and removes old ones meanwhile: look again.
    for (int attempt = 0;; ++attempt) {
        TM_ASSIGN(const auto generations, asOf ? withSavepoints(directory)
                                               : recovery::inspectGenerations(files, directory));
        core::Error last{ErrorKind::kNotFound,
                         "no checkpoint yet: directory=" + directory +
                             "; a job makes its first one after [checkpoint] interval, 10 s by "
                             "default, or when it is stopped gracefully"};
        std::string batches;
        for (const auto& generation : generations) {
            if (asOf && generation.name.batch.value > *asOf) {
                batches += (batches.empty() ? "" : ", ") + core::toString(generation.name.batch);
                last = {ErrorKind::kNotFound, "no checkpoint is as old as batch " +
                                                  std::to_string(*asOf) +
                                                  "; there are those of batches " + batches};
                continue;
            }
            if (!generation.problem.empty()) {
                last = {ErrorKind::kCorrupt, generation.problem};
                continue;
            }
            auto reader = state::StateReader::open(generation.path);
            if (reader) return reader;
            last = reader.error();
        }
        if (generations.empty() || attempt == 5) return core::fail(last);
    }
}

Result<std::vector<GenerationSummary>> readableCheckpoints(const std::string& directory) {
    TM_ASSIGN(auto all, withSavepoints(directory));
    std::erase_if(all, [](const auto& generation) { return !generation.problem.empty(); });
    std::reverse(all.begin(), all.end());
    if (all.empty())
        return core::fail(ErrorKind::kNotFound, "no checkpoint yet: directory=" + directory);
    return all;
}

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
                          column_.empty() ? "say by which column to order; there are: " + names
                                          : "no column \"" + column_ + "\"; there are: " + names);
    }

private:
    const std::string column_;
    bool known_ = false;
};

struct Candidate {
    double number;
    std::uint64_t place;  // in the order of keys
    ShownRow row;
};

Result<ShownRow> shown(TableText& text, std::string_view key, std::string_view value) {
    ShownRow row;
    TM_ASSIGN(row.members, text.members(key, value));
    TM_ASSIGN(row.line, text.line(false, key, value));
    return row;
}

}  // namespace

Result<std::vector<ShownRow>> largestRows(const state::StateReader& reader,
                                          const std::string& tableName, const std::string& by,
                                          std::size_t limit, const GoesOn& goesOn) {
    TM_ASSIGN(const auto table, findTable(reader, tableName));
    TableText text(table);
    RowNumber number(by);
    // The first to go is on top: the smallest of the largest, of equal ones the last.
    const auto staysLonger = [](const Candidate& a, const Candidate& b) {
        return a.number > b.number || (a.number == b.number && a.place < b.place);
    };
    std::priority_queue<Candidate, std::vector<Candidate>, decltype(staysLonger)> largest(
        staysLonger);
    std::uint64_t place = 0;
    std::string last;
    const auto take = [&](std::string_view key, std::string_view value) -> Result<> {
        if (goesOn && !goesOn())
            return core::fail(ErrorKind::kConflict,
                              "the table has too many rows to look at all of them here; "
                              "tidemill state top does");
        TM_ASSIGN(last, text.members(key, value));
        const auto n = number.of(last);
        const bool full = largest.size() == limit;
        if (!n || (full && *n <= largest.top().number)) return {};
        TM_ASSIGN(auto row, shown(text, key, value));
        if (full) largest.pop();
        largest.push({*n, place++, std::move(row)});
        return {};
    };
    Result<> outcome;
    TM_TRY(reader.scan(table.operatorId, table.number, {},
                       [&](std::string_view key, std::string_view value) {
                           outcome = take(key, value);
                           return outcome.has_value();
                       }));
    TM_TRY(std::move(outcome));
    TM_TRY(number.wasThere(last));
    std::vector<ShownRow> rows;
    for (; !largest.empty(); largest.pop()) rows.push_back(largest.top().row);
    std::reverse(rows.begin(), rows.end());
    return rows;
}

Result<std::vector<PastValue>> historyOf(const std::string& directory, const std::string& tableName,
                                         const std::string& keyText) {
    TM_ASSIGN(const auto all, readableCheckpoints(directory));
    std::vector<PastValue> history;
    for (const auto& checkpoint : all) {
        auto reader = state::StateReader::open(checkpoint.path);
        if (!reader) continue;  // removed meanwhile
        const auto table = findTable(**reader, tableName);
        if (!table && &checkpoint == &all.back()) return core::fail(table.error());
        if (!table) continue;
        TableText text(*table);
        TM_ASSIGN(const auto key, text.keyOf(keyText));
        TM_ASSIGN(const auto value, (*reader)->get(table->operatorId, table->number, key));
        const auto& mark = (*reader)->mark();
        PastValue past{mark.batch.value, toMillis(mark.time), std::nullopt};
        if (value) {
            TM_ASSIGN(past.row, shown(text, key, *value));
        }
        history.push_back(std::move(past));
    }
    return history;
}

}  // namespace tidemill::tools
