#include "rows/json.h"

#include <algorithm>
#include <cstdio>

#include "core/format.h"

namespace tidemill::rows {

bool isUtf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t length = core::utf8SequenceLength(bytes);
        if (length == 0) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

void appendJsonString(std::string& out, std::string_view bytes) {
    out += '"';
    for (const char c : bytes) {
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            out += escape;
        } else {
            out += c;
        }
    }
    out += '"';
}

void appendJsonBytes(std::string& out, std::string_view name, std::string_view bytes) {
    const bool text = isUtf8(bytes);
    out += '"';
    out += name;
    out += text ? "\": " : "_base64\": ";
    appendJsonString(out, text ? std::string(bytes) : base64(bytes));
}

std::string base64(std::string_view bytes) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j)
            out += j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=';
    }
    return out;
}

}  // namespace tidemill::rows
