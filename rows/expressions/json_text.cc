#include "rows/expressions/json_text.h"

#include <charconv>

namespace tidemill::rows::expressions {
namespace {

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t skipBlanks(std::string_view json, std::size_t at) {
    while (at < json.size() && isBlank(json[at])) ++at;
    return at;
}

// Behind the string that begins at `at`.
std::size_t skipString(std::string_view json, std::size_t at) {
    for (++at; at < json.size() && json[at] != '"'; ++at)
        if (json[at] == '\\') ++at;
    return at < json.size() ? at + 1 : json.size();
}

// Behind the value that begins at `at`.
std::size_t skipValue(std::string_view json, std::size_t at) {
    std::size_t depth = 0;
    while (at < json.size()) {
        const char c = json[at];
        if (c == '"') {
            at = skipString(json, at);
        } else if (c == '{' || c == '[') {
            ++depth;
            ++at;
            continue;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return at;
            --depth;
            ++at;
        } else if (c == ',' || c == ':' || isBlank(c)) {
            if (depth == 0) return at;
            ++at;
            continue;
        } else {
            while (at < json.size() && json[at] != ',' && json[at] != '}' && json[at] != ']' &&
                   !isBlank(json[at]))
                ++at;
        }
        if (depth == 0) return at;
    }
    return at;
}

bool hasEscape(std::string_view string) { return string.find('\\') != std::string_view::npos; }

// Calls f(element) until it answers false; for objects f(name, element).
template <class F>
void forEachElement(std::string_view json, F&& f) {
    std::size_t at = skipBlanks(json, 0);
    if (at == json.size() || json[at] != '[') return;
    for (++at;;) {
        at = skipBlanks(json, at);
        if (at >= json.size() || json[at] == ']') return;
        const std::size_t end = skipValue(json, at);
        if (end == at || !f(json.substr(at, end - at))) return;
        at = skipBlanks(json, end);
        if (at >= json.size() || json[at] != ',') return;
        ++at;
    }
}

std::uint32_t hexOf(std::string_view json, std::size_t at) {
    std::uint32_t value = 0;
    if (at + 4 <= json.size()) std::from_chars(json.data() + at, json.data() + at + 4, value, 16);
    return value;
}

void appendCharacter(std::string& out, std::uint32_t point) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0 | point >> 6);
        put(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    } else {
        put(0xF0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3F));
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    }
}

}  // namespace

std::string_view withoutBlanks(std::string_view json) {
    json.remove_prefix(skipBlanks(json, 0));
    while (!json.empty() && isBlank(json.back())) json.remove_suffix(1);
    return json;
}

std::optional<std::string_view> jsonMember(std::string_view json, std::string_view name) {
    std::optional<std::string_view> found;
    std::size_t at = skipBlanks(json, 0);
    if (at == json.size() || json[at] != '{') return found;
    for (++at;;) {
        at = skipBlanks(json, at);
        if (at >= json.size() || json[at] != '"') return found;
        const std::size_t nameEnd = skipString(json, at);
        const std::string_view written = json.substr(at, nameEnd - at);
        const std::string_view inner =
            written.size() < 2 ? written : written.substr(1, written.size() - 2);
        bool isThis = inner == name;
        if (hasEscape(inner)) {
            std::string text;
            isThis = appendUnescaped(written, text) && text == name;
        }
        at = skipBlanks(json, nameEnd);
        if (at >= json.size() || json[at] != ':') return found;
        at = skipBlanks(json, at + 1);
        const std::size_t end = skipValue(json, at);
        if (isThis) found = json.substr(at, end - at);
        at = skipBlanks(json, end);
        if (at >= json.size() || json[at] != ',') return found;
        ++at;
    }
}

std::optional<std::int64_t> jsonArrayLength(std::string_view json) {
    if (jsonKind(json) != "array") return std::nullopt;
    std::int64_t count = 0;
    forEachElement(json, [&](std::string_view) {
        ++count;
        return true;
    });
    return count;
}

std::optional<std::string_view> jsonElement(std::string_view json, std::int64_t place) {
    if (place < 0) {
        const auto count = jsonArrayLength(json);
        if (!count || -*count > place) return std::nullopt;
        place += *count;
    }
    std::optional<std::string_view> found;
    forEachElement(json, [&](std::string_view element) {
        if (place-- > 0) return true;
        found = element;
        return false;
    });
    return found;
}

std::string_view jsonKind(std::string_view json) {
    const std::size_t at = skipBlanks(json, 0);
    if (at == json.size()) return "null";
    switch (json[at]) {
        case '{': return "object";
        case '[': return "array";
        case '"': return "string";
        case 't':
        case 'f': return "boolean";
        case 'n': return "null";
        default: return "number";
    }
}

bool appendUnescaped(std::string_view string, std::string& out) {
    if (string.size() < 2) return false;
    const std::string_view text = string.substr(1, string.size() - 2);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        if (++i == text.size()) return false;
        switch (text[i]) {
            case 'b': out += '\b'; break;
            case 'f': out += '\f'; break;
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case 'u': {
                std::uint32_t point = hexOf(text, i + 1);
                i += 4;
                if (point == 0 || (point >= 0xDC00 && point < 0xE000)) return false;
                if (point >= 0xD800 && point < 0xDC00) {
                    if (i + 2 >= text.size() || text[i + 1] != '\\' || text[i + 2] != 'u')
                        return false;
                    const std::uint32_t low = hexOf(text, i + 3);
                    if (low < 0xDC00 || low >= 0xE000) return false;
                    i += 6;
                    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
                }
                appendCharacter(out, point);
                break;
            }
            default: out += text[i];
        }
    }
    return true;
}

}  // namespace tidemill::rows::expressions
