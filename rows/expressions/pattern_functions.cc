// like, ilike and regular expressions: constant patterns are compiled once.
#include <algorithm>
#include <cstring>
#include <optional>

#include "rows/expressions/call.h"
#include "rows/expressions/function_table.h"
#include "rows/expressions/like.h"
#include "rows/expressions/regex.h"
#include "rows/expressions/text_case.h"

namespace tidemill::rows::expressions {
namespace {

using Text = std::string_view;
using Int = std::int64_t;
constexpr Type kInt = Type::kInt, kText = Type::kText, kBool = Type::kBool;
using Constants = std::vector<const Value*>;

constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;

// Matches are made from a pattern that is a constant, or else from the last row's while it is the
// same.
template <bool anyCase>
class Like {
public:
    std::optional<LikePattern> pattern;
    std::string last, lastEscape;
    // Of any case: a place for the text in lower case, which is used for one row only.
    core::Arena scratch;

    Like() = default;
    Like(const Like& other) : pattern(other.pattern), isConstant_(other.isConstant_) {}

    static core::Result<Like> of(Text text, Text escape) {
        Like made;
        TM_TRY(made.compile(text, escape));
        made.isConstant_ = true;
        return made;
    }

    std::uint8_t operator()(Call& call, Text text, Text patternText, Text escape) {
        if (!isConstant_ && (!pattern || last != patternText || lastEscape != escape)) {
            if (auto compiled = compile(patternText, escape); !compiled) {
                call.fail(compiled.error().message);
                return 0;
            }
            last = patternText;
            lastEscape = escape;
        }
        if constexpr (!anyCase) {
            return pattern->matches(text);
        } else {
            const bool is = pattern->matches(lowerCase(text, scratch));
            if (scratch.bytes() > kTextBytesMax) scratch.reset();
            return is;
        }
    }
    std::uint8_t operator()(Call& call, Text text, Text patternText) {
        return (*this)(call, text, patternText, "\\");
    }

private:
    core::Result<void> compile(Text text, Text escape) {
        core::Arena arena;
        auto made = LikePattern::compile(anyCase ? lowerCase(text, arena) : text,
                                         anyCase ? lowerCase(escape, arena) : escape);
        if (!made) return core::fail(made.error());
        pattern = std::move(*made);
        return {};
    }
    bool isConstant_ = false;
};

template <bool anyCase, Type... A>
core::Result<MakeEval> prepareLike(const Constants& constants) {
    Like<anyCase> like;
    const bool hasEscape = constants.size() == 3;
    if (constants[1] != nullptr && !constants[1]->isNull &&
        (!hasEscape || (constants[2] != nullptr && !constants[2]->isNull))) {
        auto made = Like<anyCase>::of(constants[1]->text, hasEscape ? constants[2]->text : "\\");
        if (!made) return core::fail(made.error());
        return mapWith<kBool, A...>(*made);
    }
    return mapWith<kBool, A...>(std::move(like));
}

// "i" and "g" of flags.
struct Flags {
    bool anyCase = false;
    bool all = false;
};
core::Result<Flags> flagsOf(Text text, bool mayBeAll) {
    Flags flags;
    for (const char c : text) {
        if (c == 'i') flags.anyCase = true;
        else if (c == 'g' && mayBeAll) flags.all = true;
        else if (c != 'c')
            return core::fail(core::ErrorKind::kInvalid,
                              std::string("the flag \"") + c +
                                  "\" of a regular expression is not "
                                  "evaluated here; there are i (any case)" +
                                  (mayBeAll ? " and g (all)" : ""));
    }
    return flags;
}

// The regular expression of a function's second argument. A copy compiles anew: an evaluator has
// one of its own.
class Matcher {
public:
    Matcher() = default;
    Matcher(const Matcher& other)
        : all(other.all), isConstant_(other.isConstant_), anyCase_(other.anyCase_) {
        if (isConstant_) regex_ = *Regex::compile(other.regex_->pattern(), anyCase_);
    }
    Matcher(Matcher&&) = default;
    Matcher& operator=(const Matcher&) = delete;

    bool all = false;

    static core::Result<std::shared_ptr<const Matcher>> of(const Constants& constants,
                                                           std::size_t flagsAt, bool mayBeAll) {
        auto made = std::make_shared<Matcher>();
        Flags flags;
        if (flagsAt < constants.size()) {
            if (constants[flagsAt] == nullptr || constants[flagsAt]->isNull)
                return core::fail(core::ErrorKind::kInvalid,
                                  "flags of a regular expression are a constant here");
            TM_ASSIGN(flags, flagsOf(constants[flagsAt]->text, mayBeAll));
        }
        made->anyCase_ = flags.anyCase;
        made->all = flags.all;
        if (constants[1] != nullptr && !constants[1]->isNull) {
            TM_ASSIGN(made->regex_, Regex::compile(constants[1]->text, flags.anyCase));
            made->isConstant_ = true;
        }
        return std::shared_ptr<const Matcher>(made);
    }

    // Null pointer: the pattern is wrong, and the row has failed.
    const re2::RE2* of(Call& call, Text pattern, Text text) {
        if (!isConstant_ && (regex_ == nullptr || regex_->pattern() != pattern)) {
            auto compiled = Regex::compile(pattern, anyCase_);
            if (!compiled) {
                call.fail(compiled.error().message);
                return nullptr;
            }
            regex_ = *compiled;
        }
        return &regex_->of(text);
    }
    int groups() const { return regex_->groups(); }

private:
    std::shared_ptr<const Regex> regex_;
    bool isConstant_ = false;
    bool anyCase_ = false;
};

re2::StringPiece piece(Text text) { return {text.data(), text.size()}; }

struct RegexpLike {
    Matcher matcher;
    std::uint8_t operator()(Call& call, Text text, Text pattern, Text = {}) {
        const re2::RE2* regex = matcher.of(call, pattern, text);
        return regex != nullptr &&
               regex->Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
    }
};

// Null where nothing matches, or where the group took no part.
struct RegexpMatch {
    Matcher matcher;
    static constexpr Int kGroupMax = 99;
    std::vector<re2::StringPiece> groups = std::vector<re2::StringPiece>(kGroupMax + 1);

    Text operator()(Call& call, Text text, Text pattern) {
        const re2::RE2* regex = matcher.of(call, pattern, text);
        if (regex == nullptr) return {};
        return group(call, *regex, text, regex->NumberOfCapturingGroups() > 0 ? 1 : 0);
    }
    Text operator()(Call& call, Text text, Text pattern, Int number) {
        const re2::RE2* regex = matcher.of(call, pattern, text);
        if (regex == nullptr) return {};
        if (number < 0 || number > std::min<Int>(regex->NumberOfCapturingGroups(), kGroupMax)) {
            call.fail("the regular expression \"" + std::string(pattern) + "\" has no group " +
                      std::to_string(number));
            return {};
        }
        return group(call, *regex, text, static_cast<int>(number));
    }

private:
    Text group(Call& call, const re2::RE2& regex, Text text, int number) {
        // A group that took no part has no address; an empty text must have one.
        if (text.data() == nullptr) text = Text("", 0);
        if (!regex.Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                         number + 1) ||
            groups[static_cast<std::size_t>(number)].data() == nullptr) {
            call.null();
            return {};
        }
        const auto& found = groups[static_cast<std::size_t>(number)];
        return {found.data(), found.size()};
    }
};

// Calls f(match and groups) for one match or all, from left to right; what lies between is text.
template <class F>
void forEachMatch(const re2::RE2& regex, Text text, bool all, re2::StringPiece* groups, int count,
                  F&& f) {
    std::size_t at = 0;
    while (at <= text.size() &&
           regex.Match(piece(text), at, text.size(), re2::RE2::UNANCHORED, groups, count)) {
        f();
        if (!all) break;
        const auto end =
            static_cast<std::size_t>(groups[0].data() - text.data()) + groups[0].size();
        // A match of nothing is not found again at the same place.
        at = groups[0].empty() ? (end < text.size() ? nextCharacter(text, end) : end + 1) : end;
    }
}

struct RegexpReplace {
    Matcher matcher;
    std::string made;

    Text operator()(Call& call, Text text, Text pattern, Text replacement, Text = {}) {
        const re2::RE2* regex = matcher.of(call, pattern, text);
        if (regex == nullptr) return {};
        re2::StringPiece groups[10];
        const int count = std::min(regex->NumberOfCapturingGroups(), 9) + 1;
        made.clear();
        std::size_t copied = 0;
        bool isAny = false;
        forEachMatch(*regex, text, matcher.all, groups, count, [&] {
            isAny = true;
            const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
            made += text.substr(copied, begin - copied);
            copied = begin + groups[0].size();
            appendReplacement(replacement, groups, count);
        });
        if (!isAny) return text;
        made += text.substr(copied);
        if (made.size() > kTextBytesMax) {
            call.fail("regexp_replace would make a text of more than " +
                      std::to_string(kTextBytesMax) + " bytes");
            return {};
        }
        return call.arena.copy(made);
    }

private:
    // \1 … \9 are groups, \& the whole match, \\ a backslash.
    void appendReplacement(Text text, const re2::StringPiece* groups, int count) {
        if (made.size() > kTextBytesMax) return;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '\\' || i + 1 == text.size()) {
                made += text[i];
                continue;
            }
            const char c = text[++i];
            const int number = c == '&' ? 0 : c >= '1' && c <= '9' ? c - '0' : -1;
            if (number >= 0) {
                if (number < count && groups[number].data() != nullptr)
                    made.append(groups[number].data(), groups[number].size());
            } else {
                if (c != '\\') made += '\\';
                made += c;
            }
        }
    }
};

struct RegexpCount {
    Matcher matcher;
    Int operator()(Call& call, Text text, Text pattern) {
        const re2::RE2* regex = matcher.of(call, pattern, text);
        if (regex == nullptr) return 0;
        re2::StringPiece whole[1];
        Int count = 0;
        forEachMatch(*regex, text, true, whole, 1, [&] { ++count; });
        return count;
    }
};

template <class F, Type R, Type... A>
auto preparedWith(std::size_t flagsAt, bool mayBeAll) {
    return [flagsAt, mayBeAll](const Constants& constants) -> core::Result<MakeEval> {
        TM_ASSIGN(auto matcher, Matcher::of(constants, flagsAt, mayBeAll));
        return MakeEval([matcher](Operands operands,
                                  const std::string& what) -> std::unique_ptr<Eval> {
            return std::make_unique<MapEval<F, R, A...>>(F{*matcher}, std::move(operands), what);
        });
    };
}

}  // namespace

Family patternFunctions() {
    std::vector<Function> all;
    constexpr std::size_t kNoFlags = 9;
    all.push_back({"like",
                   {kText, kText},
                   kBool,
                   "`x like 'a%b_'`: % is any text, _ any character, \\ takes their meaning",
                   true,
                   false,
                   prepareLike<false, kText, kText>});
    all.push_back({"like",
                   {kText, kText, kText},
                   kBool,
                   "`x like '10!%' escape '!'`",
                   true,
                   false,
                   prepareLike<false, kText, kText, kText>});
    all.push_back({"ilike",
                   {kText, kText},
                   kBool,
                   "`x ilike 'a%'`: in any case",
                   true,
                   false,
                   prepareLike<true, kText, kText>});
    all.push_back({"ilike",
                   {kText, kText, kText},
                   kBool,
                   "likewise",
                   true,
                   false,
                   prepareLike<true, kText, kText, kText>});
    all.push_back({"regexp_like",
                   {kText, kText},
                   kBool,
                   "`x ~ 'a.*b'`: whether a part of x matches; `~*` in any case, `!~`, `!~*` not",
                   true,
                   false,
                   preparedWith<RegexpLike, kBool, kText, kText>(kNoFlags, false)});
    all.push_back({"regexp_like",
                   {kText, kText, kText},
                   kBool,
                   "with the flag 'i': in any case",
                   true,
                   false,
                   preparedWith<RegexpLike, kBool, kText, kText, kText>(2, false)});
    all.push_back({"regexp_match",
                   {kText, kText},
                   kText,
                   "what the first group matched, without groups the whole; null when nothing did",
                   true,
                   false,
                   preparedWith<RegexpMatch, kText, kText, kText>(kNoFlags, false)});
    all.push_back({"regexp_match",
                   {kText, kText, kInt},
                   kText,
                   "what group n matched; 0 is the whole",
                   true,
                   false,
                   preparedWith<RegexpMatch, kText, kText, kText, kInt>(kNoFlags, false)});
    all.push_back({"regexp_replace",
                   {kText, kText, kText},
                   kText,
                   "the third for the first match; \\1 … \\9 are its groups, \\& the whole",
                   true,
                   false,
                   preparedWith<RegexpReplace, kText, kText, kText, kText>(kNoFlags, false)});
    all.push_back({"regexp_replace",
                   {kText, kText, kText, kText},
                   kText,
                   "with the flags 'g' (for each match) and 'i' (in any case)",
                   true,
                   false,
                   preparedWith<RegexpReplace, kText, kText, kText, kText, kText>(3, true)});
    all.push_back({"regexp_count",
                   {kText, kText},
                   kInt,
                   "how many matches",
                   true,
                   false,
                   preparedWith<RegexpCount, kInt, kText, kText>(kNoFlags, false)});
    return {"Patterns", std::move(all)};
}

}  // namespace tidemill::rows::expressions
