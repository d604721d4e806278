#include "tools/tables/table_text.h"

#include "state/operators/bound_table.h"
#include "state/state_store.h"
#include "tidemill/lineage.h"

namespace tidemill::tools {

using core::ErrorKind;
using core::Result;

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

// nullptr for the table that holds the mark.
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

}  // namespace

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

bool nameTable(state::TableSummary& table) {
    table.signature = std::string(splitSignature(table.signature).signature);
    if (table.operatorId == core::kSystemOperator) {
        const auto* own = ownTable(table);
        if (own == nullptr) return false;
        table.operatorName = own->name;
        table.signature = own->types;
    } else if (table.number != 0) {
        table.operatorName += " (internal " + std::to_string(table.number) + ")";
        table.signature = contentOf(table);
    }
    return true;
}

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

TableText::TableText(const state::TableSummary& table)
    : types_(typesOf(table.signature)), groups_(rows::GroupText::of(table.signature)) {}

Result<std::string> TableText::keyOf(const std::string& text) const {
    return groups_ ? groups_->key(text) : typedKey(types_.key, text);
}

Result<std::string> TableText::members(std::string_view key, std::string_view value) {
    if (groups_) return groups_->json(key, value);
    std::string members;
    appendTypedKey(members, types_.key, key);
    members += ", ";
    appendTypedValue(members, types_.value, value);
    return members;
}

Result<std::string> TableText::line(bool isJson, std::string_view key, std::string_view value) {
    if (isJson) {
        TM_ASSIGN(const auto text, members(key, value));
        return "{" + text + "}\n";
    }
    if (groups_) {
        TM_ASSIGN(const auto text, groups_->line(key, value));
        return text + "\n";
    }
    return shownKey(types_.key, key) + "\t" + shownValue(types_.value, value) + "\n";
}

}  // namespace tidemill::tools
