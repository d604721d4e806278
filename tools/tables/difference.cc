#include "tools/tables/difference.h"

#include <algorithm>
#include <map>
#include <utility>

#include "tools/tables/table_text.h"

namespace tidemill::tools {

using core::Result;

namespace {

constexpr std::size_t kPageRows = 4096;

// The rows of a table one after another.
class Rows {
public:
    Rows(const state::StateReader& reader, const std::optional<state::TableSummary>& table)
        : reader_(reader), table_(table), ended_(!table) {}

    // Null behind the last one.
    Result<const std::pair<std::string, std::string>*> current() {
        if (at_ == page_.size() && !ended_) TM_TRY(nextPage());
        return at_ < page_.size() ? &page_[at_] : nullptr;
    }
    void advance() { ++at_; }

private:
    Result<> nextPage() {
        // The first key that is larger than the last one.
        const std::string from = page_.empty() ? std::string() : page_.back().first + '\0';
        page_.clear();
        at_ = 0;
        state::ScanOptions range;
        range.from = from;
        range.limit = kPageRows;
        TM_TRY(reader_.scan(table_->operatorId, table_->number, range,
                            [this](std::string_view key, std::string_view value) {
                                page_.emplace_back(key, value);
                                return true;
                            }));
        ended_ = page_.size() < kPageRows;
        return {};
    }

    const state::StateReader& reader_;
    const std::optional<state::TableSummary>& table_;
    std::vector<std::pair<std::string, std::string>> page_;
    std::size_t at_ = 0;
    bool ended_;
};

// A sum over a window that came to nothing: its row is looked for and removed some slides later, so
// that one is as good as none.
bool isNothing(const state::TableSummary& table, std::string_view value) {
    return table.kind == state::ValueKind::kSum &&
           value == std::string_view("\0\0\0\0\0\0\0\0", 8) &&
           table.signature.find(" window_ms=") != std::string::npos;
}

}  // namespace

Result<std::vector<TableOfTwo>> tablesOf(const state::StateReader& before,
                                         const state::StateReader& after) {
    std::map<std::pair<core::OperatorId, std::uint8_t>, TableOfTwo> all;
    TM_ASSIGN(auto older, before.tables(false));
    TM_ASSIGN(auto newer, after.tables(false));
    for (auto& table : older)
        if (nameTable(table)) all[{table.operatorId, table.number}].before = std::move(table);
    for (auto& table : newer)
        if (nameTable(table)) all[{table.operatorId, table.number}].after = std::move(table);
    std::vector<TableOfTwo> tables;
    for (auto& [place, table] : all) tables.push_back(std::move(table));
    return tables;
}

Result<Compared> compareTable(const state::StateReader& before, const state::StateReader& after,
                              const TableOfTwo& table,
                              const std::function<bool(const RowDifference&)>& differs) {
    Rows older(before, table.before);
    Rows newer(after, table.after);
    Compared compared;
    bool tells = true;
    while (true) {
        TM_ASSIGN(const auto* const left, older.current());
        TM_ASSIGN(const auto* const right, newer.current());
        if (left == nullptr && right == nullptr) return compared;
        ++compared.rows;
        const bool takesLeft = right == nullptr || (left != nullptr && left->first <= right->first);
        const bool takesRight =
            left == nullptr || (right != nullptr && right->first <= left->first);
        RowDifference row;
        row.key = takesLeft ? left->first : right->first;
        if (takesLeft && !isNothing(table.any(), left->second)) row.before = left->second;
        if (takesRight && !isNothing(table.any(), right->second)) row.after = right->second;
        if (row.before != row.after) {
            ++compared.differences;
            tells = tells && differs(row);
        }
        if (takesLeft) older.advance();
        if (takesRight) newer.advance();
    }
}

}  // namespace tidemill::tools
