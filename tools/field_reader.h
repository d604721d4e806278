// Takes named fields out of a line: by position, regular expression group, CSV column or JSON
// pointer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tools/row.h"

namespace tidemill::tools {

enum class FieldsBy { kSplit, kRegex, kCsv, kJson };

struct FieldSpec {
    std::string name;
    // A number from 1 (split, csv, regex), a group's name (regex) or a JSON pointer.
    std::string place;
};

// Thread safety: immutable.
class FieldReader {
public:
    virtual ~FieldReader() = default;

    // Throws std::runtime_error that names the field, its place and what is there instead.
    virtual Row read(std::string_view line) const = 0;
};

// `separator`: of kSplit, empty for runs of ASCII whitespace; `pattern`: of kRegex. Errors
// (kInvalid): a place that cannot be one, a pattern that is no regular expression.
core::Result<std::shared_ptr<const FieldReader>> makeFieldReader(FieldsBy by,
                                                                 const std::string& separator,
                                                                 const std::string& pattern,
                                                                 const std::vector<FieldSpec>& fields);

}  // namespace tidemill::tools
