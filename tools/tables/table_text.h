// State tables under the names people know them by, and their rows as people read them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"
#include "rows/group_text.h"
#include "state/state_reader.h"
#include "tools/typed_bytes.h"

namespace tidemill::tools {

// The table `name` of a state; one that is declared and has no rows is empty. Tidemill's own are
// "(sessions)" and "(sources)". Errors: kNotFound, with the names that there are.
core::Result<state::TableSummary> findTable(const state::StateReader& reader,
                                            const std::string& name);

// Gives a table its name and its types as `state list` prints them. False for the one table that
// is not for people, which holds the mark.
bool nameTable(state::TableSummary& table);

// Adds " idle_ms=60000" to its types: how long a key may be idle, when that has an end. Errors: kIo,
// kCorrupt.
core::Result<> addLifetime(const state::StateReader& reader, state::TableSummary& table);

// Keys and values by their types, or columns by name. Thread safety: externally synchronized.
class TableText {
public:
    explicit TableText(const state::TableSummary& table);

    // The bytes of a key as `line` shows it. Errors: kInvalid.
    core::Result<std::string> keyOf(const std::string& text) const;

    // One row with its line end, as a JSON object or for people. Errors: kCorrupt.
    core::Result<std::string> line(bool isJson, std::string_view key, std::string_view value);

    // The members of its JSON object, without the braces. Errors: kCorrupt.
    core::Result<std::string> members(std::string_view key, std::string_view value);

private:
    TableTypes types_;
    std::unique_ptr<rows::GroupText> groups_;
};

}  // namespace tidemill::tools
