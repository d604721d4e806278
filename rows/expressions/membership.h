// x in (1, 2, 3).
#pragma once

#include <vector>

#include "rows/expressions/eval.h"

namespace tidemill::rows::expressions {

// Of constants of `type`, the type of x. Null among them makes null of false.
MakeEval membershipOf(Type type, const std::vector<Value>& values);

}  // namespace tidemill::rows::expressions
