// The known functions of text as the engine does them itself. Elements are views of valid UTF-8
// and stand for Python's str; pairs have an int that stays far from the end of 64 bits.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "core/stream_node.h"
#include "python/native/step.h"

namespace tidemill::python {

using TextNode = std::shared_ptr<core::StreamNode<std::string_view>>;
using Count = std::pair<std::string_view, std::int64_t>;
using CountNode = std::shared_ptr<core::StreamNode<Count>>;

// The lines of a source with U+FFFD for what is no UTF-8, as Python's decoder puts it.
TextNode makeValid(TextNode lines);
// line.split(), line.split(separator) with a character of ASCII.
TextNode makeSplit(TextNode lines);
bool splitsNatively(std::string_view separator);
TextNode makeSplitAt(TextNode lines, char separator);
TextNode makeLower(TextNode texts);
TextNode makeUpper(TextNode texts);
TextNode makeStrip(TextNode texts);
TextNode makeNotEmpty(TextNode texts);
// (text, number)
CountNode makePairs(TextNode texts, std::int64_t number);
// The numbers of each text added up.
CountNode makeSums(CountNode pairs);

// (str, int), as an element and as a pair of a Python stream.
std::shared_ptr<Step<Count, Object>> countAsObject();
std::shared_ptr<Step<Count, Pair>> countAsPair();

}  // namespace tidemill::python
