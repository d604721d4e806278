#include <cstdint>

#include "core/format.h"
#include "rows/parse_value.h"

namespace tidemill::rows {
namespace {

// Walks one text; each function consumes what its name says and answers whether it was there.
class Walk {
public:
    explicit Walk(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

    bool document() {
        // Whether the array or object at each depth is an object.
        std::uint64_t objects[kJsonDepthMax / 64] = {};
        std::size_t depth = 0;
        const auto inObject = [&] {
            return ((objects[(depth - 1) / 64] >> ((depth - 1) % 64)) & 1) != 0;
        };
        while (true) {
            // A value begins here.
            blanks();
            if (at_ == end_) return false;
            if (*at_ == '{' || *at_ == '[') {
                const bool isObject = *at_++ == '{';
                if (depth == kJsonDepthMax) return false;
                const std::uint64_t bit = std::uint64_t{1} << (depth % 64);
                auto& word = objects[depth / 64];
                word = isObject ? word | bit : word & ~bit;
                ++depth;
                blanks();
                if (!is(isObject ? '}' : ']')) {
                    if (isObject && !name()) return false;
                    continue;
                }
                --depth;
            } else if (!scalar()) {
                return false;
            }
            // A value ends here, and perhaps those it is in.
            while (true) {
                blanks();
                if (depth == 0) return at_ == end_;
                if (is(',')) break;
                if (!is(inObject() ? '}' : ']')) return false;
                --depth;
            }
            if (inObject()) {
                blanks();
                if (!name()) return false;
            }
        }
    }

private:
    void blanks() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
    }
    bool is(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool isWord(std::string_view word) {
        if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word))
            return false;
        at_ += word.size();
        return true;
    }
    bool name() {
        if (!string()) return false;
        blanks();
        return is(':');
    }
    bool scalar() {
        switch (*at_) {
            case '"': return string();
            case 't': return isWord("true");
            case 'f': return isWord("false");
            case 'n': return isWord("null");
            default: return number();
        }
    }
    bool digits() {
        const char* const begin = at_;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
        return at_ != begin;
    }
    bool number() {
        is('-');
        if (!is('0') && !digits()) return false;
        if (is('.') && !digits()) return false;
        if (is('e') || is('E')) {
            if (!is('+')) is('-');
            return digits();
        }
        return true;
    }
    bool string() {
        if (!is('"')) return false;
        while (at_ != end_) {
            const auto byte = static_cast<unsigned char>(*at_);
            if (byte == '"') {
                ++at_;
                return true;
            }
            if (byte < 0x20) return false;
            if (byte == '\\') {
                if (!escape()) return false;
            } else if (byte < 0x80) {
                ++at_;
            } else {
                const std::size_t length =
                    core::utf8SequenceLength({at_, static_cast<std::size_t>(end_ - at_)});
                if (length == 0) return false;
                at_ += length;
            }
        }
        return false;
    }
    bool escape() {
        ++at_;
        if (at_ == end_) return false;
        const char c = *at_++;
        if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        for (int i = 0; i < 4; ++i, ++at_) {
            if (at_ == end_) return false;
            const char digit = *at_;
            if (!((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f') ||
                  (digit >= 'A' && digit <= 'F')))
                return false;
        }
        return true;
    }

    const char* at_;
    const char* const end_;
};

}  // namespace

bool isJson(std::string_view text) { return Walk(text).document(); }

}  // namespace tidemill::rows
