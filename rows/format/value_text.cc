#include "rows/format/value_text.h"

#include <charconv>
#include <cmath>

#include "core/format.h"
#include "rows/json.h"
#include "rows/write_value.h"

namespace tidemill::rows {
namespace {

void appendInt(std::string& out, std::int64_t value) {
    char text[kValueTextMax];
    out.append(text, writeInt(text, value));
}

void appendUtf8(std::string& out, std::uint32_t point) {
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xC0 | point >> 6);
        out += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        out += static_cast<char>(0xE0 | point >> 12);
        out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (point & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | point >> 18);
        out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
        out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (point & 0x3F));
    }
}

// The number of the four digits at `at`; the whole text is valid JSON.
std::uint32_t fourDigits(std::string_view json, std::size_t at) {
    std::uint32_t number = 0;
    if (at + 4 <= json.size()) std::from_chars(json.data() + at, json.data() + at + 4, number, 16);
    return number;
}

}  // namespace

void appendTime(std::string& out, std::int64_t micros) {
    char text[kValueTextMax];
    out.append(text, writeTime(text, micros));
}

void appendFloat(std::string& out, double value) {
    char text[kValueTextMax];
    out.append(text, writeFloat(text, value));
}

std::string unquotedJson(std::string_view json) {
    if (json.size() < 2 || json.front() != '"') return std::string(json);
    json = json.substr(1, json.size() - 2);
    std::string text;
    for (std::size_t i = 0; i < json.size(); ++i) {
        if (json[i] != '\\' || i + 1 == json.size()) {
            text += json[i];
            continue;
        }
        const char c = json[++i];
        constexpr std::string_view kLetters = "bfnrt", kBytes = "\b\f\n\r\t";
        if (const auto letter = kLetters.find(c); letter != kLetters.npos) {
            text += kBytes[letter];
        } else if (c == 'u') {
            std::uint32_t point = fourDigits(json, i + 1);
            i += 4;
            if (point >= 0xD800 && point < 0xDC00 &&
                json.substr(std::min(i + 1, json.size()), 2) == "\\u") {
                const auto low = fourDigits(json, i + 3);
                if (low >= 0xDC00 && low < 0xE000) {
                    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
                    i += 6;
                }
            }
            appendUtf8(text, point);
        } else {
            text += c;
        }
    }
    return text;
}

void appendValue(std::string& out, const Column& column, std::size_t row) {
    if (column.isNull(row)) return;
    switch (column.type) {
        case Type::kInt: return appendInt(out, column.as<Type::kInt>()[row]);
        case Type::kFloat: return appendFloat(out, column.as<Type::kFloat>()[row]);
        case Type::kBool: out += column.as<Type::kBool>()[row] ? "true" : "false"; return;
        case Type::kText: out += column.as<Type::kText>()[row]; return;
        case Type::kTime: return appendTime(out, column.as<Type::kTime>()[row]);
        case Type::kJson: out += unquotedJson(column.as<Type::kJson>()[row]); return;
    }
}

void appendJsonValue(std::string& out, const Column& column, std::size_t row) {
    if (column.isNull(row)) {
        out += "null";
        return;
    }
    switch (column.type) {
        case Type::kFloat: {
            const double value = column.as<Type::kFloat>()[row];
            const bool isFinite = std::isfinite(value);
            if (!isFinite) out += '"';
            appendFloat(out, value);
            if (!isFinite) out += '"';
            return;
        }
        case Type::kText: {
            const auto text = column.as<Type::kText>()[row];
            return appendJsonString(out, isUtf8(text) ? text : std::string_view(base64(text)));
        }
        case Type::kTime:
            out += '"';
            appendTime(out, column.as<Type::kTime>()[row]);
            out += '"';
            return;
        case Type::kJson: out += column.as<Type::kJson>()[row]; return;
        case Type::kInt:
        case Type::kBool: return appendValue(out, column, row);
    }
}

void appendJsonMember(std::string& out, const std::string& name, const Column& column,
                      std::size_t row) {
    const bool isPlain =
        column.type != Type::kText || column.isNull(row) || isUtf8(column.as<Type::kText>()[row]);
    appendJsonString(out, isPlain ? name : name + "_base64");
    out += ": ";
    appendJsonValue(out, column, row);
}

void appendTuple(std::string& out, const Chunk& chunk, std::size_t row) {
    out += '(';
    std::string value;
    for (std::size_t i = 0; i < chunk.columns.size(); ++i) {
        if (i != 0) out += ',';
        value.clear();
        if (chunk.columns[i].isNull(row)) out += "null";
        else appendValue(value, chunk.columns[i], row);
        core::appendPrintable(out, value);
    }
    out += ')';
}

}  // namespace tidemill::rows
