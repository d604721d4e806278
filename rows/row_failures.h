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
    bool empty() const { return failures_.empty(); }
    bool failed(std::size_t row) const { return ((bits_[row / 64] >> (row % 64)) & 1) != 0; }

    // `message` names the column, its place and the value: 'bytes (place 10): "abc" is no int'.
    void add(std::size_t row, std::string message) {
        if (failed(row)) return;
        bits_[row / 64] |= std::uint64_t{1} << (row % 64);
        failures_.emplace_back(row, std::move(message));
    }

    // In the order in which they were added.
    const std::vector<std::pair<std::size_t, std::string>>& all() const { return failures_; }

    void clear() {
        if (failures_.empty()) return;
        failures_.clear();
        for (auto& word : bits_) word = 0;
    }

private:
    std::uint64_t bits_[kNullWords] = {};
    std::vector<std::pair<std::size_t, std::string>> failures_;
};

}  // namespace tidemill::rows
