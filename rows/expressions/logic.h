// Three-valued logic, and the choices of case and coalesce: what is not chosen is not computed.
#pragma once

#include <vector>

#include "rows/expressions/eval.h"
#include "rows/expressions/node.h"

namespace tidemill::rows::expressions {

// and, or: an argument is computed only for the rows that those before it have not decided.
MakeEval conjunctionOf(bool isAnd, const std::vector<NodePtr>& arguments);
MakeEval notOf();
// is null of any type; is true, is false of bool: never null themselves.
MakeEval isNullOf();
MakeEval isTruthOf(bool truth);

// condition, result, …, and the result of all other rows.
MakeEval caseOf(Type type, const std::vector<NodePtr>& arguments);
// The first that is not null.
MakeEval coalesceOf(Type type);

}  // namespace tidemill::rows::expressions
