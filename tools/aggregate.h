// Aggregates of rows: count, sum, min, max, avg, distinct, top.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "rows/number.h"
#include "tools/row.h"

namespace tidemill::tools {

using rows::Number;
using rows::NumberText;
using rows::WideSum;

// "top(3, path)": computed by `function` from the field `field`.
struct AggregateSpec {
    enum class Function { kCount, kSum, kMin, kMax, kAvg, kDistinct, kTop } function;
    std::string name;       // of the column it makes
    std::string field;      // none for count()
    std::size_t place = 0;  // of the field in the rows
    std::size_t n = 0;      // of top
};

// "sum(bytes)" -> function and field; `place` is not known yet. Errors (kInvalid).
core::Result<AggregateSpec> parseAggregate(const std::string& name, const std::string& text);

// "top(3, path)"
std::string toString(const AggregateSpec& spec);

// What one aggregate has seen. distinct and top keep every value they saw.
struct AggregateState {
    std::int64_t count = 0;
    WideSum whole;    // of the whole numbers
    double real = 0;  // sum of the others
    bool isReal = false;
    Number least, most;
    std::map<std::string, std::int64_t> values;

    // Throws std::runtime_error when the field must be a number and is none, or a whole number of
    // more than 64 bits.
    void add(const AggregateSpec& spec, const Row& row);
    void merge(const AggregateState& other);
    // Throws std::runtime_error when it is no number that can be told: a sum over 64 bits, a mean
    // over the range of floating point.
    Field result(const AggregateSpec& spec) const;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(count, whole, real, isReal, least, most, values);
    }
};

// Those of one key.
struct Aggregates {
    std::vector<AggregateState> states;

    static Aggregates of(const std::vector<AggregateSpec>& specs, const Row& row);
    // Throws core::TaskFailure (kCorrupt) when they are not of the same functions.
    void merge(const Aggregates& other);

    template <class Archive>
    void serialize(Archive& archive) {
        archive(states);
    }
};

// For dead letters: how many rows each has seen, and their sum.
std::ostream& operator<<(std::ostream& out, const Aggregates& aggregates);

}  // namespace tidemill::tools
