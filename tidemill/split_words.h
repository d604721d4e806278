// splitWords: the words of a line.
#pragma once

#include <span>
#include <string_view>

#include "core/emit.h"
#include "core/split_words.h"

namespace tidemill {

// For flatMap: splits at runs of ASCII whitespace (space, \t \n \v \f \r); gives no empty words.
// The words are parts of the line, nothing is copied. Applied to a text source directly, it works
// on whole blocks and lines are never cut.
struct SplitWords {
    using Element = std::string_view;

    void operator()(std::string_view line, Emit<std::string_view>& emit) const {
        core::splitLine(line, [&](std::string_view word) { emit(word); });
    }

    // `take` is called with spans of words.
    template <class Take>
    void splitText(std::string_view text, Take&& take) const {
        core::splitText(text, std::forward<Take>(take));
    }
};

inline constexpr SplitWords splitWords;

}  // namespace tidemill
