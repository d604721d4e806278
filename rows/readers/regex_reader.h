// Fields by the groups of a regular expression.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

struct RegexOptions {
    // RE2's syntax, of bytes: they need not be UTF-8, and "." is any byte but a line feed. It may
    // match anywhere in the record.
    std::string pattern;
};

// Places are groups: numbers from 1 or names. A group that took no part in the match is the field's
// default, or null. Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeRegexReader(std::vector<FieldSpec> fields,
                                                            RegexOptions options);

}  // namespace tidemill::rows
