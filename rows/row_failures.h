// Rows of one chunk that a reader or an expression could make nothing of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rows/chunk.h"

namespace tidemill::rows {

// The first failure of a row is kept. Bounded by the rows of a chunk. Thread safety:
// worker-confined.
class RowFailures {
public:
    // No row failed or is none.
    bool empty() const { return !any_; }
    // Row `row` is none: it failed, or is no record.
    bool failed(std::size_t row) const { return ((bits_[row / 64] >> (row % 64)) & 1) != 0; }

    // `message` names the column, its place and the value: 'bytes (place 10): "abc" is no int'.
    void add(std::size_t row, std::string message) {
        if (failed(row)) return;
        noRecord(row);
        failures_.emplace_back(row, std::move(message));
    }

    // The row is no record and no failure: a header line.
    void noRecord(std::size_t row) {
        bits_[row / 64] |= std::uint64_t{1} << (row % 64);
        any_ = true;
    }

    // The failures, in the order in which they were added; rows that are no records are not among
    // them.
    const std::vector<std::pair<std::size_t, std::string>>& all() const { return failures_; }

    void clear() {
        if (!any_) return;
        any_ = false;
        failures_.clear();
        for (auto& word : bits_) word = 0;
    }

private:
    bool any_ = false;
    std::uint64_t bits_[kNullWords] = {};
    std::vector<std::pair<std::size_t, std::string>> failures_;
};

}  // namespace tidemill::rows
