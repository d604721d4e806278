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
    if (word == "error") return {Kind::kError, 0, rest};
    SessionAnswer answer;
    if (word == "resume") answer.kind = Kind::kResume;
    if (word == "durable") answer.kind = Kind::kDurable;
    if (answer.kind == Kind::kUnknown || !parseNumber(rest, answer.lines)) return {};
    return answer;
}

}  // namespace tidemill::sources
