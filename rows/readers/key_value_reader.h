// Fields of pairs with separators: "a=1;b=2", "user: ann, age: 7".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

struct KeyValueOptions {
    std::string pairSeparator = " ";
    std::string valueSeparator = "=";
};

// Places are names. A pair is cut at the first value separator in it; blanks around names and
// values are no part of them; quotes mean nothing. Pairs of nothing are passed over. A name without
// a value separator is true for a bool, else null; of a name that comes twice, the last counts.
// Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeKeyValueReader(std::vector<FieldSpec> fields,
                                                               KeyValueOptions options = {});

}  // namespace tidemill::rows
