// An order-independent digest of changes of rows. Format: docs/formats/batch_record.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/chunk_keys.h"

namespace tidemill::state {

// The sum of the hashes of all changes that it was given: what a batch says of a row (an operand, a
// value, that it is removed), not what the row comes to. Of two different sets of changes the
// digests agree by chance only, once in 2^64. Not against somebody who chooses keys and values so.
// Thread safety: worker-confined.
class ChangeDigest {
public:
    void addOperands(core::KeyViews keys, std::size_t count, const std::uint64_t* operands);
    void addValues(core::KeyViews keys, std::size_t count, const std::string_view* values);
    void addValue(std::string_view key, std::string_view value);
    void addRemoval(std::string_view key);
    void add(const ChangeDigest& other) {
        count_ += other.count_;
        sum_ += other.sum_;
    }

    std::uint64_t count() const { return count_; }
    std::uint64_t sum() const { return sum_; }

private:
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
};

}  // namespace tidemill::state
