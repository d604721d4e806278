// What a server of the acknowledged text protocol says, understood.
// Format: docs/formats/acknowledged_text.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemill::sources {

struct SessionAnswer {
    enum class Kind { kResume, kDurable, kSkipped, kError, kUnknown } kind = Kind::kUnknown;
    std::uint64_t lines = 0;  // of kResume and kDurable; the first one of kSkipped
    std::uint64_t last = 0;   // of kSkipped
    std::string_view text;    // of kError; lies in the line
};

// `line` comes without its '\n'; whatever it holds, an answer is returned. Thread safety: pure.
SessionAnswer parseSessionAnswer(std::string_view line);

}  // namespace tidemill::sources
