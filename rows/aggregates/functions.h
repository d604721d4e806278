// The aggregate functions: their names, what they take, and the accumulators that compute them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "rows/aggregates/accumulator.h"
#include "rows/schema.h"

namespace tidemill::rows {

// "top(3, path)", "count(distinct user)": a call as it was written, taken apart.
struct AggregateCall {
    std::string function;          // in lower case: "top", "count", "count_distinct"
    std::string argument;          // a field or an expression; empty: none
    std::optional<double> number;  // of top and approx_percentile

    // "sum(bytes)"
    std::string text() const;
};
// Errors: kInvalid, no call of an aggregate function.
core::Result<AggregateCall> parseAggregateCall(std::string_view text);

// In lower case: "count", "top".
bool isAggregateFunction(std::string_view name);

// The accumulator of `call` for an argument of `type`; `isLoose`: a text, or a JSON value, of which
// the job file does not say that it is a number, and that sum, avg, min, max and stddev take for
// one. Errors: kInvalid, a function that does not take the type.
core::Result<std::shared_ptr<const Accumulator>> makeAccumulator(const AggregateCall& call,
                                                                 std::optional<Type> type,
                                                                 bool isLoose);

// True when accumulators of `call` take a loose argument as numbers; their column is then one of
// `Number`s, see loose_numbers.h.
bool takesLooseNumbers(const AggregateCall& call);

// Parts of makeAccumulator, by family; null when the family has no such function for the type.
std::shared_ptr<const Accumulator> makeCount(const AggregateCall& call, std::optional<Type> type);
std::shared_ptr<const Accumulator> makeSum(const AggregateCall& call, Type type);
std::shared_ptr<const Accumulator> makeExtreme(const AggregateCall& call, Type type);
std::shared_ptr<const Accumulator> makeFirstRow(const AggregateCall& call, Type type);
std::shared_ptr<const Accumulator> makeVariance(const AggregateCall& call, Type type);
std::shared_ptr<const Accumulator> makeDistinct(const AggregateCall& call, Type type);
std::shared_ptr<const Accumulator> makeApproximate(const AggregateCall& call, Type type);
std::shared_ptr<const Accumulator> makeLoose(const AggregateCall& call, Type type);

}  // namespace tidemill::rows
