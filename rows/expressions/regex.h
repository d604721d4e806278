// Regular expressions as RE2 reads them, over texts that are UTF-8 or not.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/error.h"
#include "rows/expressions/utf8.h"

namespace tidemill::rows::expressions {

// A text that is UTF-8 is looked at by characters, another one by bytes, so that a line with one
// byte astray still matches. Thread safety: thread-safe, but with a lock: each evaluator makes its
// own.
class Regex {
public:
    // Errors: kInvalid.
    static core::Result<std::shared_ptr<const Regex>> compile(std::string_view pattern,
                                                              bool anyCase);

    const re2::RE2& of(std::string_view text) const;
    int groups() const { return characters_->NumberOfCapturingGroups(); }

    const std::string& pattern() const { return pattern_; }
    bool anyCase() const { return anyCase_; }

private:
    std::string pattern_;
    bool anyCase_ = false;
    bool isAscii_ = false;
    std::unique_ptr<re2::RE2> characters_;
    std::unique_ptr<re2::RE2> bytes_;
};

}  // namespace tidemill::rows::expressions
