#include "core/reversible_text.h"

#include <charconv>

#include "core/format.h"

namespace tidemill::core {

void appendReversible(std::string& out, std::string_view bytes) {
    for (;;) {
        const auto plain = bytes.substr(0, bytes.find('\\'));
        appendPrintable(out, plain);
        if (plain.size() == bytes.size()) return;
        out += R"(\\)";
        bytes.remove_prefix(plain.size() + 1);
    }
}

std::string fromReversible(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bytes += text[i];
        if (text[i] != '\\' || i + 1 == text.size()) continue;
        unsigned char byte = 0;
        const char* const digits = text.data() + i + 2;
        if (text[i + 1] == '\\') {
            ++i;
        } else if (text[i + 1] == 'x' && i + 3 < text.size() &&
                   std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
            bytes.back() = static_cast<char>(byte);
            i += 3;
        }
    }
    return bytes;
}

}  // namespace tidemill::core
