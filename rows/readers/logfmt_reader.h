// Fields of logfmt: level=info msg="it is done" took=12ms cached
#pragma once

#include <memory>
#include <vector>

#include "core/error.h"
#include "rows/reader.h"

namespace tidemill::rows {

// Places are names. Pairs have blanks between them. A value in quotes has JSON's escapes; a quote
// elsewhere, or one that is not closed, fails the record. A name without "=" is true for a bool,
// else null; of a name that comes twice, the last counts. Errors: kInvalid.
core::Result<std::shared_ptr<const Reader>> makeLogfmtReader(std::vector<FieldSpec> fields);

}  // namespace tidemill::rows
