// A query as the steps that compute it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.h"
#include "rows/expression.h"
#include "rows/schema.h"

namespace tidemill::rows::sql {

struct Plan;

struct NamedExpression {
    std::string name;
    std::shared_ptr<const Expression> expression;
};

// The rows of a named stream.
struct FromStep {
    std::string stream;
};
// Rows of `input` and `other` whose columns `on` are equal, in each batch; the columns of `on`
// once, then the others of both. No other name is in both.
struct JoinStep {
    enum class Kind : std::uint8_t { kInner, kLeft, kRight, kFull };
    Kind kind = Kind::kInner;
    std::vector<std::string> on;
    std::shared_ptr<const Plan> other;
};
// Rows the condition is true for; of having too.
struct WhereStep {
    std::shared_ptr<const Expression> condition;
    bool isHaving = false;
};
// Exactly these columns.
struct SelectStep {
    std::vector<NamedExpression> columns;
};
struct AggregateColumn {
    std::string name;
    // count, sum, avg, min, max, first, last, stddev, stddev_pop, variance, var_pop,
    // count_distinct, approx_distinct, approx_percentile, top
    std::string function;
    std::string argument;          // a column; empty: none
    std::optional<double> number;  // of approx_percentile and top
    Type type = Type::kInt;        // of the result
};
// Groups of equal columns `key`; without any, one of all rows.
struct AggregateStep {
    std::vector<std::string> key;
    std::vector<AggregateColumn> columns;
    // Of each batch when all are zero.
    std::int64_t windowMicros = 0;
    std::int64_t slideMicros = 0;  // the window when it tumbles
    bool isRunning = false;        // groups go on for ever
    std::int64_t ttlMicros = 0;  // a running group without rows for so long is forgotten; 0: never
};
// Each different row once.
struct DistinctStep {};
// The first rows of a batch.
struct TopStep {
    struct Column {
        std::string name;
        bool isDescending = false;
    };
    std::vector<Column> order;  // null and NaN come last in both directions
    std::size_t count = 0;
};

struct Step {
    std::variant<FromStep, JoinStep, WhereStep, SelectStep, AggregateStep, DistinctStep, TopStep>
        what;
    Schema schema;  // of the rows it gives
};

// Steps one after the other; the first is a FromStep. Thread safety: immutable.
struct Plan {
    std::vector<Step> steps;

    const Schema& schema() const { return steps.back().schema; }
    // For `--check`: a step a line, with its columns; the input of a join is indented.
    std::string text() const;
};

// "select path, count(*) as n from requests where status = 404 group by path, tumble('1 minute')
// having count(*) > 10". `streams` are those that may be named. Errors (kInvalid): as
// parseExpression(), and what of SQL is not evaluated here, by name.
core::Result<Plan> plan(std::string_view query, const std::map<std::string, Schema>& streams);

}  // namespace tidemill::rows::sql
