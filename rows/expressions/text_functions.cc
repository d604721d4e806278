// Functions that look at texts or take a part of them: most answer a view of their argument.
#include <algorithm>
#include <cstring>
#include <limits>

#include "rows/expressions/call.h"
#include "rows/expressions/function_table.h"
#include "rows/expressions/utf8.h"

namespace tidemill::rows::expressions {
namespace {

using Text = std::string_view;
using Int = std::int64_t;
constexpr Type kInt = Type::kInt, kText = Type::kText, kBool = Type::kBool;

Int length(Call&, Text text) { return static_cast<Int>(characterCount(text)); }
Int octetLength(Call&, Text text) { return static_cast<Int>(text.size()); }

// Characters `from` to before `to`, both from 0 and in order.
Text slice(Text text, Int from, Int to) {
    const auto size = static_cast<Int>(text.size());
    const std::size_t begin = offsetOf(text, static_cast<std::size_t>(std::min(from, size)));
    const Text rest = text.substr(begin);
    return rest.substr(0, offsetOf(rest, static_cast<std::size_t>(std::min(to - from, size))));
}

Text substrFrom(Call&, Text text, Int from) {
    return from <= 1 ? text : slice(text, from - 1, std::numeric_limits<Int>::max());
}

Text substr(Call& call, Text text, Int from, Int count) {
    if (count < 0) {
        call.fail("a text of " + std::to_string(count) + " characters");
        return {};
    }
    Int end = 0;
    if (__builtin_add_overflow(from, count, &end)) return substrFrom(call, text, from);
    const Int begin = std::max<Int>(from, 1);
    if (end <= begin) return text.substr(0, 0);
    return slice(text, begin - 1, end - 1);
}

Text left(Call&, Text text, Int count) {
    const auto size = static_cast<Int>(text.size());
    if (count < 0)
        count =
            count < -size ? 0 : std::max<Int>(0, static_cast<Int>(characterCount(text)) + count);
    return slice(text, 0, count);
}

Text right(Call&, Text text, Int count) {
    const auto size = static_cast<Int>(text.size());
    const auto characters = static_cast<Int>(characterCount(text));
    const Int skipped =
        count < 0 ? (count < -size ? size : -count) : std::max<Int>(0, characters - count);
    return slice(text, skipped, std::numeric_limits<Int>::max());
}

// The place of `part` in characters from 1; 0: it is not there.
Int strpos(Call&, Text text, Text part) {
    const std::size_t at = text.find(part);
    return at == Text::npos ? 0 : static_cast<Int>(characterCount(text.substr(0, at))) + 1;
}

std::uint8_t startsWith(Call&, Text text, Text prefix) { return text.starts_with(prefix); }

// One character of `set` (or a blank) at an end.
bool isOf(Text set, Text character) {
    for (std::size_t at = 0; at < set.size();) {
        const std::size_t next = nextCharacter(set, at);
        if (set.substr(at, next - at) == character) return true;
        at = next;
    }
    return false;
}

Text trimLeft(Text text, Text set) {
    while (!text.empty()) {
        const std::size_t next = nextCharacter(text, 0);
        if (!isOf(set, text.substr(0, next))) break;
        text.remove_prefix(next);
    }
    return text;
}

Text trimRight(Text text, Text set) {
    while (!text.empty()) {
        std::size_t at = text.size() - 1;
        while (at > 0 && isContinuation(text[at])) --at;
        if (!isOf(set, text.substr(at))) break;
        text = text.substr(0, at);
    }
    return text;
}

Text ltrimSet(Call&, Text text, Text set) { return trimLeft(text, set); }
Text rtrimSet(Call&, Text text, Text set) { return trimRight(text, set); }
Text btrimSet(Call&, Text text, Text set) { return trimRight(trimLeft(text, set), set); }
Text ltrim(Call&, Text text) { return trimLeft(text, " "); }
Text rtrim(Call&, Text text) { return trimRight(text, " "); }
Text btrim(Call&, Text text) { return trimRight(trimLeft(text, " "), " "); }

// Counts from 1, or from the end when negative.
Text splitPart(Call& call, Text text, Text separator, Int place) {
    if (place == 0) {
        call.fail("split_part: parts count from 1 or, from the end, from -1");
        return {};
    }
    if (separator.empty()) return place == 1 || place == -1 ? text : Text();
    if (place > 0) {
        for (std::size_t at = 0;; --place) {
            const std::size_t end = text.find(separator, at);
            if (place == 1) return text.substr(at, end == Text::npos ? Text::npos : end - at);
            if (end == Text::npos) return {};
            at = end + separator.size();
        }
    }
    // Separators are found from the beginning, also where they overlap.
    Int parts = 1;
    for (std::size_t at = text.find(separator); at != Text::npos;
         at = text.find(separator, at + separator.size()))
        ++parts;
    if (place < -parts) return {};
    return splitPart(call, text, separator, parts + place + 1);
}

Int ascii(Call&, Text text) {
    if (text.empty()) return 0;
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return first;
    const std::size_t size = nextCharacter(text, 0);
    std::uint32_t point = first & (0xFFu >> (std::min<std::size_t>(size, 4) + 1));
    for (std::size_t i = 1; i < size; ++i)
        point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
    return point;
}

}  // namespace

Family textFunctions() {
    std::vector<Function> all;
    const auto add = [&](std::string name, std::vector<Type> arguments, Type result, MakeEval make,
                         std::string meaning, bool canFail = false) {
        all.push_back({std::move(name), std::move(arguments), result, std::move(meaning), canFail,
                       false, always(std::move(make))});
    };
    for (const char* name : {"length", "char_length"})
        add(name, {kText}, kInt, map<length, kInt, kText>(), "how many characters");
    add("octet_length", {kText}, kInt, map<octetLength, kInt, kText>(), "how many bytes");
    for (const char* name : {"substr", "substring"}) {
        add(name, {kText, kInt}, kText, map<substrFrom, kText, kText, kInt>(),
            "from the character at this place, from 1; also `substring(x from 3)`");
        add(name, {kText, kInt, kInt}, kText, map<substr, kText, kText, kInt, kInt>(),
            "at most so many characters from a place on; also `substring(x from 3 for 2)`", true);
    }
    add("left", {kText, kInt}, kText, map<left, kText, kText, kInt>(),
        "the first n characters; with -n all but the last n");
    add("right", {kText, kInt}, kText, map<right, kText, kText, kInt>(),
        "the last n characters; with -n all but the first n");
    for (const char* name : {"strpos", "position"})
        add(name, {kText, kText}, kInt, map<strpos, kInt, kText, kText>(),
            name[0] == 's' ? "where the second is in the first, from 1; 0 when it is not"
                           : "written `position(part in x)`: the same");
    add("starts_with", {kText, kText}, kBool, map<startsWith, kBool, kText, kText>(),
        "whether the first begins with the second; also `x ^@ y`");
    for (const char* name : {"btrim"}) {
        add(name, {kText}, kText, map<btrim, kText, kText>(),
            "without the blanks at both ends; also `trim(x)`");
        add(name, {kText, kText}, kText, map<btrimSet, kText, kText, kText>(),
            "without these characters at both ends; also `trim(both 'xy' from x)`");
    }
    add("ltrim", {kText}, kText, map<ltrim, kText, kText>(), "without the blanks at the beginning");
    add("ltrim", {kText, kText}, kText, map<ltrimSet, kText, kText, kText>(),
        "without these characters at the beginning");
    add("rtrim", {kText}, kText, map<rtrim, kText, kText>(), "without the blanks at the end");
    add("rtrim", {kText, kText}, kText, map<rtrimSet, kText, kText, kText>(),
        "without these characters at the end");
    add("split_part", {kText, kText, kInt}, kText, map<splitPart, kText, kText, kText, kInt>(),
        "the nth part between separators, from 1, or from -1 from the end; empty when there is "
        "none",
        true);
    add("ascii", {kText}, kInt, map<ascii, kInt, kText>(), "the code point of the first character");
    return {"Text", std::move(all)};
}

}  // namespace tidemill::rows::expressions
