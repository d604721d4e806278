#include "rows/expressions/text_case.h"

#include <locale.h>
#include <wctype.h>

#include <cstdint>

#include "core/format.h"
#include "rows/expressions/utf8.h"

namespace tidemill::rows::expressions {
namespace {

// C.UTF-8 is part of every glibc since 2.35 and of Debian's before; without it only ASCII changes.
locale_t unicode() {
    static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return kLocale;
}

std::uint32_t decoded(std::string_view text, std::size_t length) {
    std::uint32_t point = static_cast<unsigned char>(text[0]) & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i)
        point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
    return point;
}

std::size_t encode(std::uint32_t point, char* out) {
    const auto put = [&](std::size_t i, std::uint32_t byte) { out[i] = static_cast<char>(byte); };
    if (point < 0x80) {
        put(0, point);
        return 1;
    }
    const std::size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    constexpr std::uint32_t kFirst[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (std::size_t i = length - 1; i > 0; --i, point >>= 6) put(i, 0x80 | (point & 0x3F));
    put(0, kFirst[length] | point);
    return length;
}

template <bool upper>
char changed(char c) {
    constexpr char kFrom = upper ? 'a' : 'A', kTo = upper ? 'z' : 'Z';
    return c >= kFrom && c <= kTo ? static_cast<char>(c ^ 0x20) : c;
}

template <bool upper>
std::string_view withCase(std::string_view text, core::Arena& arena) {
    if (isAscii(text)) {
        char* out = arena.allocate(text.size());
        for (std::size_t i = 0; i < text.size(); ++i) out[i] = changed<upper>(text[i]);
        return {out, text.size()};
    }
    // A character of two bytes may become one of three.
    char* const out = arena.allocate(text.size() * 2);
    std::size_t size = 0;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = core::utf8SequenceLength(text.substr(i));
        if (length <= 1 || unicode() == locale_t{}) {
            out[size++] = changed<upper>(text[i++]);
            continue;
        }
        const wint_t point = decoded(text.substr(i), length);
        const wint_t made = upper ? towupper_l(point, unicode()) : towlower_l(point, unicode());
        size += encode(made, out + size);
        i += length;
    }
    return {out, size};
}

}  // namespace

std::string_view lowerCase(std::string_view text, core::Arena& arena) {
    return withCase<false>(text, arena);
}
std::string_view upperCase(std::string_view text, core::Arena& arena) {
    return withCase<true>(text, arena);
}

}  // namespace tidemill::rows::expressions
