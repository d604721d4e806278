// Patterns of like: "%" is any text, "_" any character.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace tidemill::rows::expressions {

// Thread safety: immutable.
class LikePattern {
public:
    // `escape` is one character or nothing. Errors: kInvalid, an escape at the end, or one of more
    // than a character.
    static core::Result<LikePattern> compile(std::string_view pattern, std::string_view escape);

    bool matches(std::string_view text) const {
        switch (kind_) {
            case Kind::kExact: return text == first_;
            case Kind::kPrefix: return text.starts_with(first_);
            case Kind::kSuffix: return text.ends_with(first_);
            case Kind::kContains: return contains(text);
            case Kind::kParts: break;
        }
        return matchesParts(text);
    }

private:
    enum class Kind { kExact, kPrefix, kSuffix, kContains, kParts };
    // What stands between two "%".
    struct Part {
        std::string bytes;
        // Places in `bytes` where any character stands, each there as a byte 0xFF.
        std::vector<std::size_t> any;
    };

    bool contains(std::string_view text) const;
    bool matchesParts(std::string_view text) const;
    static bool matchesAt(const Part& part, std::string_view text, std::size_t at,
                          std::size_t& end);
    static std::size_t find(const Part& part, std::string_view text, std::size_t at,
                            std::size_t& end);

    Kind kind_ = Kind::kExact;
    std::string first_;
    std::vector<Part> parts_;  // with "%" between them
};

}  // namespace tidemill::rows::expressions
