// Formats of times as PostgreSQL's to_char has them: "YYYY-MM-DD HH24:MI".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace tidemill::rows::expressions {

// Thread safety: immutable.
class ToCharFormat {
public:
    // Errors: kInvalid, a pattern that PostgreSQL knows and this does not.
    static core::Result<ToCharFormat> compile(std::string_view format);

    // Appends the time.
    void write(std::int64_t micros, std::string& out) const;

    // The strptime format that reads such texts. Errors: kInvalid, a pattern that is written only.
    core::Result<std::string> forReading() const;

private:
    struct Step {
        std::string pattern;  // as PostgreSQL's keywords are written; empty: `literal`
        std::string literal;
        bool isFilled = true;     // not FM
        std::string_view ending;  // "th", "TH"
    };
    std::vector<Step> steps_;
};

}  // namespace tidemill::rows::expressions
