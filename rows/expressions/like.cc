#include "rows/expressions/like.h"

#include <cstring>

#include "rows/expressions/utf8.h"

namespace tidemill::rows::expressions {

using core::Result;

Result<LikePattern> LikePattern::compile(std::string_view pattern, std::string_view escape) {
    if (characterCount(escape) > 1)
        return core::fail(core::ErrorKind::kInvalid, "the escape of like is one character, not \"" +
                                                         std::string(escape) + "\"");
    LikePattern made;
    made.parts_.emplace_back();
    for (std::size_t at = 0; at < pattern.size();) {
        Part& part = made.parts_.back();
        if (!escape.empty() && pattern.substr(at).starts_with(escape)) {
            at += escape.size();
            if (at == pattern.size())
                return core::fail(
                    core::ErrorKind::kInvalid,
                    "the pattern \"" + std::string(pattern) + "\" ends with an escape");
            const std::size_t next = nextCharacter(pattern, at);
            part.bytes += pattern.substr(at, next - at);
            at = next;
        } else if (pattern[at] == '%') {
            made.parts_.emplace_back();
            ++at;
        } else if (pattern[at] == '_') {
            part.any.push_back(part.bytes.size());
            part.bytes += '\xFF';
            ++at;
        } else {
            part.bytes += pattern[at++];
        }
    }
    bool isPlain = true;
    for (const Part& part : made.parts_) isPlain = isPlain && part.any.empty();
    const auto& parts = made.parts_;
    if (isPlain && parts.size() == 1) {
        made.kind_ = Kind::kExact;
        made.first_ = parts[0].bytes;
    } else if (isPlain && parts.size() == 2 && parts[1].bytes.empty()) {
        made.kind_ = Kind::kPrefix;
        made.first_ = parts[0].bytes;
    } else if (isPlain && parts.size() == 2 && parts[0].bytes.empty()) {
        made.kind_ = Kind::kSuffix;
        made.first_ = parts[1].bytes;
    } else if (isPlain && parts.size() == 3 && parts[0].bytes.empty() && parts[2].bytes.empty()) {
        made.kind_ = Kind::kContains;
        made.first_ = parts[1].bytes;
    } else {
        made.kind_ = Kind::kParts;
    }
    return made;
}

bool LikePattern::contains(std::string_view text) const {
    return memmem(text.data(), text.size(), first_.data(), first_.size()) != nullptr ||
           first_.empty();
}

bool LikePattern::matchesAt(const Part& part, std::string_view text, std::size_t at,
                            std::size_t& end) {
    if (part.any.empty()) {
        end = at + part.bytes.size();
        return text.substr(at).starts_with(part.bytes);
    }
    std::size_t nextAny = 0;
    for (std::size_t i = 0; i < part.bytes.size(); ++i) {
        if (at == text.size()) return false;
        if (nextAny < part.any.size() && part.any[nextAny] == i) {
            ++nextAny;
            at = nextCharacter(text, at);
        } else if (text[at++] != part.bytes[i]) {
            return false;
        }
    }
    end = at;
    return true;
}

std::size_t LikePattern::find(const Part& part, std::string_view text, std::size_t at,
                              std::size_t& end) {
    if (part.any.empty()) {
        const std::size_t found = text.find(part.bytes, at);
        end = found + part.bytes.size();
        return found;
    }
    for (; at <= text.size(); at = nextCharacter(text, at))
        if (matchesAt(part, text, at, end)) return at;
    return std::string_view::npos;
}

// The first part at the beginning, those between wherever they come first, the last at the end.
bool LikePattern::matchesParts(std::string_view text) const {
    std::size_t at = 0;
    if (!matchesAt(parts_[0], text, 0, at)) return false;
    if (parts_.size() == 1) return at == text.size();
    for (std::size_t i = 1; i + 1 < parts_.size(); ++i)
        if (find(parts_[i], text, at, at) == std::string_view::npos) return false;
    const Part& last = parts_.back();
    // So many characters from the end as the part has.
    if (last.any.empty()) return text.substr(at).ends_with(last.bytes);
    std::size_t begin = text.size();
    for (std::size_t left = characterCount(last.bytes); left > 0; --left) {
        if (begin <= at) return false;
        do --begin;
        while (begin > at && isContinuation(text[begin]));
    }
    std::size_t end = 0;
    return matchesAt(last, text, begin, end) && end == text.size();
}

}  // namespace tidemill::rows::expressions
