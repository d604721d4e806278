// Whether rows of a batch share a key.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "outputs/sql/row.h"

namespace tidemill::outputs {

// Eight bytes a row. Thread safety: worker-confined.
class RowKeys {
public:
    void clear() { hashes_.clear(); }

    // Of a row: values in the columns at `places`, none of which is null. Numbers that databases
    // take for equal are.
    void add(const std::vector<SqlColumn>& columns, const std::vector<std::size_t>& places,
             SqlRow row) {
        bytes_.clear();
        for (const auto place : places) {
            const auto& cell = row[place];
            const auto type = columns[place].type;
            if (type == SqlType::kText) {
                append(cell.text.size());
                bytes_ += cell.text;
            } else if (type == SqlType::kFloat) {
                append(cell.real == 0          ? 0
                       : std::isnan(cell.real) ? ~std::uint64_t{0}
                                               : std::bit_cast<std::uint64_t>(cell.real));
            } else {
                append(static_cast<std::uint64_t>(cell.integer));
            }
        }
        hashes_.push_back(std::hash<std::string_view>()(bytes_));
    }

    // False only when no two rows have the same key. Leaves the rows in another order.
    bool mayRepeat() {
        std::sort(hashes_.begin(), hashes_.end());
        return std::adjacent_find(hashes_.begin(), hashes_.end()) != hashes_.end();
    }

private:
    void append(std::uint64_t value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

    std::vector<std::uint64_t> hashes_;
    std::string bytes_;
};

}  // namespace tidemill::outputs
