// Casts, and the values of literals.
#pragma once

#include <optional>
#include <string_view>

#include "core/error.h"
#include "rows/expressions/node.h"

namespace tidemill::rows::expressions {

// None when there is no such cast.
NodePtr castNode(const NodePtr& node, Type to);

// A literal as a value of the type; blanks around it are passed over, but of texts. Errors:
// kInvalid,
// '"abc" is no int'.
core::Result<Value> valueOfText(std::string_view text, Type type);

}  // namespace tidemill::rows::expressions
