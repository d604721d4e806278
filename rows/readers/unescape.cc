#include "rows/readers/unescape.h"

#include <cstdint>
#include <cstring>

namespace tidemill::rows {
namespace {

// Of `count` digits at `at`; negative: one of them is none.
std::int32_t hexNumber(const char* at, const char* end, int count) {
    if (end - at < count) return -1;
    std::int32_t number = 0;
    for (int i = 0; i < count; ++i) {
        const char c = at[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        number = number * 16 + digit;
    }
    return number;
}

char* writeUtf8(char* to, std::int32_t code) {
    const auto byte = [&](std::int32_t value) { *to++ = static_cast<char>(value); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | code >> 6);
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3F));
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
    return to;
}

// The byte that a backslash and `c` stand for among both kinds of escapes, or 0.
char simpleEscape(char c) {
    switch (c) {
        case '"':
        case '\\': return c;
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return 0;
    }
}

// Reads XXXX of \uXXXX, and with a first surrogate the second's escape too; negative: wrong.
std::int32_t readUnicode(const char*& at, const char* end) {
    constexpr std::int32_t kReplacement = 0xFFFD;
    const std::int32_t code = hexNumber(at, end, 4);
    if (code < 0) return -1;
    at += 4;
    if (code < 0xD800 || code > 0xDFFF) return code;
    if (code > 0xDBFF || end - at < 6 || at[0] != '\\' || at[1] != 'u') return kReplacement;
    const std::int32_t low = hexNumber(at + 2, end, 4);
    if (low < 0xDC00 || low > 0xDFFF) return kReplacement;
    at += 6;
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

// The next backslash, or the end.
const char* plainEnd(const char* at, const char* end) {
    const auto left = static_cast<std::size_t>(end - at);
    const void* const found = left == 0 ? nullptr : std::memchr(at, '\\', left);
    return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace

std::optional<std::string_view> unescapeJson(std::string_view text, core::Arena& arena) {
    // No escape is shorter than what it stands for, but for lone surrogates: 6 bytes become 3.
    char* const begin = arena.allocate(text.size());
    char* to = begin;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        const char* const plain = plainEnd(at, end);
        std::memcpy(to, at, static_cast<std::size_t>(plain - at));
        to += plain - at;
        at = plain;
        if (at == end) break;
        if (++at == end) return std::nullopt;
        const char c = *at++;
        if (c == 'u') {
            const std::int32_t code = readUnicode(at, end);
            if (code < 0) return std::nullopt;
            to = writeUtf8(to, code);
        } else {
            const char byte = c == '/' ? '/' : simpleEscape(c);
            if (byte == 0) return std::nullopt;
            *to++ = byte;
        }
    }
    return std::string_view(begin, static_cast<std::size_t>(to - begin));
}

std::string_view unescapeLog(std::string_view text, core::Arena& arena) {
    char* const begin = arena.allocate(text.size());
    char* to = begin;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        const char* const plain = plainEnd(at, end);
        std::memcpy(to, at, static_cast<std::size_t>(plain - at));
        to += plain - at;
        at = plain;
        if (at == end) break;
        const char c = end - at > 1 ? at[1] : '\0';
        const std::int32_t hex = c == 'x' ? hexNumber(at + 2, end, 2) : -1;
        if (hex >= 0) {
            *to++ = static_cast<char>(hex);
            at += 4;
        } else if (const char byte = c == 'v' ? '\v' : simpleEscape(c); byte != 0) {
            *to++ = byte;
            at += 2;
        } else {
            *to++ = *at++;
        }
    }
    return {begin, static_cast<std::size_t>(to - begin)};
}

}  // namespace tidemill::rows
