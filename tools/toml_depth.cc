#include "tools/toml_depth.h"

#include <cstdint>
#include <string>

namespace tidemill::tools {
namespace {

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::optional<Position> run() {
        while (at_ < text_.size()) {
            switch (text_[at_]) {
                case '#': skipComment(); break;
                case '"':
                case '\'': skipText(); break;
                case '.':
                    // Also between digits, where it is no part; there is one of those at most.
                    if (++dots_ >= kKeyPartsMax)
                        return Position{line_, static_cast<std::uint32_t>(at_ - lineStart_ + 1)};
                    step();
                    break;
                case '=':
                case ',':
                case '[':
                case ']':
                case '{':
                case '}':
                case '\n':
                    dots_ = 0;
                    step();
                    break;
                default: step();
            }
        }
        return std::nullopt;
    }

private:
    void step() {
        if (text_[at_++] != '\n') return;
        ++line_;
        lineStart_ = at_;
    }

    void skipComment() {
        while (at_ < text_.size() && text_[at_] != '\n') step();
    }

    // A text is one part, whatever is in it.
    void skipText() {
        const char quote = text_[at_];
        const bool isLong = text_.substr(at_, 3) == std::string_view("\"\"\"") ||
                            text_.substr(at_, 3) == std::string_view("'''");
        at_ += isLong ? 3 : 1;
        while (at_ < text_.size()) {
            if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size()) {
                step();
                step();
                continue;
            }
            if (!isLong && (text_[at_] == quote || text_[at_] == '\n')) {
                if (text_[at_] == quote) ++at_;
                return;
            }
            if (isLong && text_.substr(at_, 3) == std::string(3, quote)) {
                at_ += 3;
                return;
            }
            step();
        }
    }

    const std::string_view text_;
    std::size_t at_ = 0;
    std::size_t dots_ = 0;
    std::uint32_t line_ = 1;
    std::size_t lineStart_ = 0;
};

}  // namespace

std::optional<Position> findDeepKey(std::string_view text) { return Scanner(text).run(); }

}  // namespace tidemill::tools
