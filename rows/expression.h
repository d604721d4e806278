// Expressions over the columns of a stream: "status >= 500 and path not like '/health%'".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/arena.h"
#include "core/error.h"
#include "rows/chunk.h"
#include "rows/row_failures.h"
#include "rows/schema.h"

namespace tidemill::rows {

// What one task computes with: scratch columns of its own. Thread safety: worker-confined.
class Evaluator {
public:
    virtual ~Evaluator() = default;

    // The value for each selected row; other rows of the column mean nothing. The column holds
    // until the next call, or as long as a column of `chunk` when the expression is just that;
    // texts live as long as `arena` or the chunk's texts. What a row cannot be computed for
    // (overflow, division by zero, a cast that does not fit) goes to `failures`.
    virtual Column evaluate(const Chunk& chunk, core::Arena& arena, RowFailures& failures) = 0;
};

// A checked expression. Thread safety: immutable; each task makes an evaluator.
class Expression {
public:
    virtual ~Expression() = default;
    virtual Type type() const = 0;
    virtual std::unique_ptr<Evaluator> makeEvaluator() const = 0;
    // Normal form, from which signatures of stored state and `--check` are made.
    virtual std::string text() const = 0;
};

// SQL's syntax and meaning, parsed by PostgreSQL's own parser. Errors (kInvalid): a syntax error, a
// column that is not there, types that do not fit, what is not evaluated here; each says where in
// `sql` (a column from 1) and, for a name, which one may have been meant.
core::Result<std::shared_ptr<const Expression>> parseExpression(std::string_view sql,
                                                                const Schema& schema);

}  // namespace tidemill::rows
