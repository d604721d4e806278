#include "python/native/utf8.h"

#include <cstdint>
#include <cstring>

#include "core/format.h"

namespace tidemill::python {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;

// Calls any(word of 8 bytes) for all of `text`, the last ones with zeros behind them; true when one
// is.
template <class Any>
bool anyWord(std::string_view text, Any any) {
    std::size_t at = 0;
    for (; at + 32 <= text.size(); at += 32) {
        std::uint64_t words[4];
        std::memcpy(words, text.data() + at, sizeof words);
        if (any(words[0]) | any(words[1]) | any(words[2]) | any(words[3])) return true;
    }
    for (; at < text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, text.size() - at < 8 ? text.size() - at : 8);
        if (any(word)) return true;
    }
    return false;
}

bool beyondAscii(std::uint64_t word) { return (word & (kOnes << 7)) != 0; }

unsigned char byteAt(std::string_view text, std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool isAsciiSpace(unsigned char byte) {
    return byte == ' ' || (byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 31);
}

// The bytes of a character of white space beyond ASCII.
std::size_t wideSpace(unsigned char a, unsigned char b, unsigned char c) {
    if (a == 0xC2) return b == 0x85 || b == 0xA0 ? 2 : 0;
    if (a == 0xE1) return b == 0x9A && c == 0x80 ? 3 : 0;
    if (a == 0xE3) return b == 0x80 && c == 0x80 ? 3 : 0;
    if (a != 0xE2) return 0;
    if (b == 0x81) return c == 0x9F ? 3 : 0;
    return b == 0x80 && ((c >= 0x80 && c <= 0x8A) || c == 0xA8 || c == 0xA9 || c == 0xAF) ? 3 : 0;
}

}  // namespace

bool isAscii(std::string_view text) { return !anyWord(text, beyondAscii); }

bool isUtf8(std::string_view text) {
    if (isAscii(text)) return true;
    while (!text.empty()) {
        if (static_cast<unsigned char>(text.front()) < 0x80) {
            text.remove_prefix(1);
            continue;
        }
        const std::size_t size = core::utf8SequenceLength(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

bool hasUncommonSpace(std::string_view text) {
    return anyWord(text, [](std::uint64_t word) {
        // Bytes 28 … 31 differ from 28 in their last two bits only: a zero byte then.
        const std::uint64_t other = (word ^ (kOnes * 28)) & (kOnes * 0xFC);
        const bool separators = ((other - kOnes) & ~other & (kOnes << 7)) != 0;
        return beyondAscii(word) | separators;
    });
}

std::size_t leadingSpace(std::string_view text) {
    if (text.empty()) return 0;
    if (isAsciiSpace(byteAt(text, 0))) return 1;
    return wideSpace(byteAt(text, 0), byteAt(text, 1), byteAt(text, 2));
}

std::size_t trailingSpace(std::string_view text) {
    if (text.empty()) return 0;
    const std::size_t size = text.size();
    if (isAsciiSpace(byteAt(text, size - 1))) return 1;
    for (const std::size_t bytes : {2u, 3u})
        if (size >= bytes && leadingSpace(text.substr(size - bytes)) == bytes) return bytes;
    return 0;
}

}  // namespace tidemill::python
