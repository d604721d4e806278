// + - * / % ^ and the sign.
#pragma once

#include "rows/expressions/eval.h"

namespace tidemill::rows::expressions {

// Of two ints or two floats; `op` is one of + - * / %. Ints are exact: what does not fit, or has no
// value, fails the row, as it does with floats when the result is infinite and no argument is.
MakeEval arithmeticOf(char op, Type type);
MakeEval negationOf(Type type);

}  // namespace tidemill::rows::expressions
