// Keys that one side has as JSON and the other as text.
#pragma once

#include <string>
#include <vector>

#include "rows/row_stream.h"

namespace tidemill::rows {

// Where `stream` has JSON and `other` a text, the JSON's text is what is compared: a string without
// its quotes. Errors: kInvalid, a column that one of them has not.
core::Result<RowStream> withTextKeys(const RowStream& stream, const Schema& other,
                                     const std::vector<std::string>& on);

}  // namespace tidemill::rows
