// Fields between blanks or separators: "GET /index.html 200".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

struct SplitOptions {
    // Empty: runs of ASCII whitespace, also at the record's ends; else exactly this, so that two in
    // a row have an empty field between them.
    std::string separator;
};

// Places are numbers from 1. Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeSplitReader(std::vector<FieldSpec> fields,
                                                            SplitOptions options = {});

}  // namespace tidemill::rows
