#include "sources/session_answer.h"

#include <charconv>

namespace tidemill::sources {
namespace {

bool parseNumber(std::string_view text, std::uint64_t& number) {
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && at == end;
}

}  // namespace

SessionAnswer parseSessionAnswer(std::string_view line) {
    using Kind = SessionAnswer::Kind;
    const auto space = line.find(' ');
    if (space == line.npos) return {};
    const std::string_view word = line.substr(0, space);
    const std::string_view rest = line.substr(space + 1);
    SessionAnswer answer;
    if (word == "error") {
        answer.kind = Kind::kError;
        answer.text = rest;
        return answer;
    }
    if (word == "skipped") {
        const auto dash = rest.find('-');
        if (!parseNumber(rest.substr(0, dash), answer.lines)) return {};
        answer.last = answer.lines;
        if (dash != rest.npos && !parseNumber(rest.substr(dash + 1), answer.last)) return {};
        if (answer.lines == 0 || answer.last < answer.lines) return {};
        answer.kind = Kind::kSkipped;
        return answer;
    }
    if (word == "resume") answer.kind = Kind::kResume;
    if (word == "durable") answer.kind = Kind::kDurable;
    if (answer.kind == Kind::kUnknown || !parseNumber(rest, answer.lines)) return {};
    return answer;
}

}  // namespace tidemill::sources
