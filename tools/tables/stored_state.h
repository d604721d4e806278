// Questions to the checkpoints of a data directory, for commands and for the page.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "recovery/inspect.h"
#include "state/state_reader.h"

namespace tidemill::tools {

// The newest checkpoint that can be opened, or with `asOf` the newest checkpoint or savepoint of
// that batch or an older one. When it vanishes while being opened, because the running job has made
// newer ones, the next one is tried. Errors: kNotFound when there is none, kCorrupt.
core::Result<std::unique_ptr<state::StateReader>> openNewest(
    const std::string& directory, const std::optional<std::uint64_t>& asOf);

// The batch of the savepoint of this name. Errors: of Savepoints::manifest().
core::Result<std::uint64_t> batchOfSavepoint(const std::string& directory, const std::string& name);

// Oldest first, those that can be read, savepoints among them. Errors: kNotFound when there is
// none.
core::Result<std::vector<recovery::GenerationSummary>> readableCheckpoints(
    const std::string& directory);

struct ShownRow {
    std::string members;  // as TableText::members
    std::string line;     // for people, with its line end
};

// Asked before each row; false ends a search with kConflict.
using GoesOn = std::function<bool()>;

// The rows with the largest numbers in the column `by`, or of tables of one value in that: the
// largest first, of equal ones in the order of keys. Errors: kNotFound, no such table; kInvalid, no
// such column, or `by` is empty and the table has several.
core::Result<std::vector<ShownRow>> largestRows(const state::StateReader& reader,
                                                const std::string& table, const std::string& by,
                                                std::size_t limit, const GoesOn& goesOn = {});

struct PastValue {
    std::uint64_t batch = 0;
    std::int64_t timeMillis = 0;
    std::optional<ShownRow> row;  // none: the key was not there
};

// Of one key, as `state export` prints it, in every checkpoint there is, the oldest first. Errors:
// kNotFound, no checkpoint or no such table in the newest; kInvalid, no such key.
core::Result<std::vector<PastValue>> historyOf(const std::string& directory,
                                               const std::string& table, const std::string& key);

}  // namespace tidemill::tools
