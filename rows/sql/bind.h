// Checks a term against the columns that are there.
#pragma once

#include <memory>
#include <string_view>

#include "core/error.h"
#include "rows/expression.h"
#include "rows/schema.h"
#include "rows/sql/syntax.h"

namespace tidemill::rows {

// `sql` is the text the term was read from, for the places of errors. Errors: kInvalid, as
// parseExpression().
core::Result<std::shared_ptr<const Expression>> expressionOf(const sql::Term& term,
                                                             const Schema& schema,
                                                             std::string_view sql);

}  // namespace tidemill::rows
